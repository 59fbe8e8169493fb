// The public methods of TypeORM's own classes, in whatever version is installed. JavaScript has no
// `protected`, so they are read from TypeORM's types, and compared with what is there at run time.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import ts from 'typescript';

const require = createRequire(import.meta.url);
const folder = dirname(require.resolve('typeorm'));

const CLASSES = {
  EntityManager: 'entity-manager',
  Repository: 'repository',
  TreeRepository: 'repository',
  BaseEntity: 'repository',
};

/**
 * @typedef {object} PublicMethod
 * @property {string} title Such as `Repository.save` or `BaseEntity.static save`.
 * @property {string} name
 * @property {object} owner The prototype, or the class of a static method, that has it.
 */

/** @returns {PublicMethod[]} each under the class that declares it */
export function publicMethods() {
  const builders = readdirSync(join(folder, 'query-builder'))
    .map((file) => /^(\w*QueryBuilder)\.d\.ts$/.exec(file)?.[1])
    .filter((name) => name !== undefined);
  const classes = { ...CLASSES, ...Object.fromEntries(builders.map((n) => [n, 'query-builder'])) };
  return Object.entries(classes).flatMap(([name, room]) => methodsOf(name, `${room}/${name}`));
}

/** @param {string} className @param {string} file @returns {PublicMethod[]} */
function methodsOf(className, file) {
  const declared = declaredIn(className, file);
  const constructor = require(`typeorm/${file}.js`)[className];
  const found = [];
  for (const [owner, prefix] of [
    [constructor.prototype, ''],
    [constructor, 'static '],
  ]) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(owner))) {
      if (typeof value !== 'function' || name === 'constructor') continue;
      const isPublic = declared.get(prefix + name);
      const title = `${className}.${prefix}${name}`;
      if (isPublic === undefined) throw new Error(`${title}() is missing in TypeORM's types`);
      if (isPublic) found.push({ title, name, owner });
      declared.delete(prefix + name);
    }
  }
  const missing = [...declared].filter(([, isPublic]) => isPublic).map(([name]) => name);
  if (missing.length > 0) throw new Error(`${className} has no ${missing.join(', ')} at run time`);
  return found;
}

/**
 * @param {string} className @param {string} file
 * @returns {Map<string, boolean>} its methods, and whether each is public
 */
function declaredIn(className, file) {
  const path = join(folder, `${file}.d.ts`);
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest);
  const declaration = source.statements.find(
    (each) => ts.isClassDeclaration(each) && each.name?.text === className,
  );
  if (declaration === undefined) throw new Error(`${path} has no class ${className}`);
  const methods = new Map();
  for (const member of declaration.members) {
    // A private method is written as a property there.
    if (!ts.isMethodDeclaration(member) && !ts.isPropertyDeclaration(member)) continue;
    const flags = ts.getCombinedModifierFlags(member);
    if (flags & ts.ModifierFlags.Abstract) continue;
    const prefix = flags & ts.ModifierFlags.Static ? 'static ' : '';
    const isPublic = !(flags & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected));
    if (isPublic && ts.isPropertyDeclaration(member)) continue;
    methods.set(prefix + member.name.text, isPublic);
  }
  return methods;
}
