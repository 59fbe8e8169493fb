import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** One ```ts block of a Markdown file. */
export interface Snippet {
  /** Of the Markdown file, relative to the repository. */
  readonly file: string;
  /** The line in the Markdown file on which its first line stands, from 1. */
  readonly line: number;
  readonly text: string;
}

const ROOT = process.cwd();

/** Where files are that snippets name. */
const APPLICATION = join(ROOT, 'test/readme/application');
const PLACE = { file: 'src/app.module.ts', line: 1 };

export function readSnippets(file: string): Snippet[] {
  return snippetsOf(file, readFileSync(join(ROOT, file), 'utf8'));
}

/** The ```ts blocks of a Markdown text. */
export function snippetsOf(file: string, markdown: string): Snippet[] {
  const snippets: Snippet[] = [];
  let open: { line: number; lines: string[] } | undefined;
  for (const [index, line] of markdown.split('\n').entries()) {
    if (open === undefined) {
      if (/^```(ts|typescript)\b/.test(line)) open = { line: index + 2, lines: [] };
    } else if (line.startsWith('```')) {
      snippets.push({ file, line: open.line, text: open.lines.join('\n') });
      open = undefined;
    } else open.lines.push(line);
  }
  return snippets;
}

/**
 * Compiles snippets together, each as a module of its own, after the declarations of `prelude.md`:
 * strictly, with the options of this repository but for its rules on unused names.
 *
 * @returns what is wrong, each with the file and the line of the Markdown
 */
export function compileSnippets(snippets: readonly Snippet[]): string[] {
  const [prelude] = readSnippets('test/readme/prelude.md');
  const sources = new Map(
    [...(prelude === undefined ? [] : [prelude]), ...snippets].map((snippet) => [
      pathOf(snippet),
      // A snippet without an import is a module, too; the prelude is for all of them.
      snippet === prelude ? snippet : { ...snippet, text: `${snippet.text}\nexport {};\n` },
    ]),
  );
  // What `nest new` makes, and snippets import.
  sources.set(join(APPLICATION, 'src/app.module.ts'), {
    ...PLACE,
    text: 'export class AppModule {}',
  });
  const options = compilerOptions();
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    directoryExists: (name) =>
      name.startsWith(APPLICATION) || disk.directoryExists?.(name) === true,
    fileExists: (name) => sources.has(name) || disk.fileExists(name),
    readFile: (name) => sources.get(name)?.text ?? disk.readFile(name),
    getSourceFile: (name, ...rest) => {
      const snippet = sources.get(name);
      return snippet === undefined
        ? disk.getSourceFile(name, ...rest)
        : ts.createSourceFile(name, snippet.text, rest[0]);
    },
  };
  const program = ts.createProgram([...sources.keys()], options, host);
  return [...sources].flatMap(([name, snippet]) =>
    ts
      .getPreEmitDiagnostics(program, program.getSourceFile(name))
      .map((diagnostic) => describe(snippet, diagnostic)),
  );
}

/** As its first line says, so that snippets may import each other: `// src/sort.module.ts`. */
function pathOf({ file, line, text }: Snippet): string {
  const named = /^\/\/ (\S+\.ts)$/m.exec(text.split('\n', 1)[0] ?? '')?.[1];
  return named === undefined
    ? join(ROOT, 'test/readme', `${file.replace(/\W/g, '-')}-${line}.ts`)
    : join(APPLICATION, named);
}

function describe({ file, line }: Snippet, { file: source, start, messageText }: ts.Diagnostic) {
  const below = source === undefined ? 0 : source.getLineAndCharacterOfPosition(start ?? 0).line;
  return `${file}:${line + below} ${ts.flattenDiagnosticMessageText(messageText, '\n  ')}`;
}

function compilerOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (name) =>
    ts.sys.readFile(name),
  ) as { config: object };
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [] }, ts.sys, ROOT);
  return {
    ...options,
    noEmit: true,
    // For imports without `.js`, as in the templates of Nest 10 and 11.
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    noUnusedLocals: false,
    noUnusedParameters: false,
    // For `constructor(private readonly river: RiverClient)` with a name of the prelude.
    verbatimModuleSyntax: false,
    // Else the prelude would be a module, and its names its own.
    moduleDetection: ts.ModuleDetectionKind.Legacy,
  };
}
