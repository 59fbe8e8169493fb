import { ClosureNode, NestedNode, PathNode } from '../entities.mjs';

const node = (target, id) => Object.assign(new target(), { id });

/** @type {Record<string, import('./index.mjs').Call['call']>} */
export const TREES = {};
for (const target of [ClosureNode, PathNode, NestedNode]) {
  const found = async (trees, name) => await trees.findOneByOrFail({ name });
  const methods = {
    findTrees: (trees) => trees.findTrees(),
    'findTrees: not deep': (trees) => trees.findTrees({ depth: 1 }),
    findRoots: (trees) => trees.findRoots(),
    countDescendants: (trees) => trees.countDescendants(node(target, 2)),
    countAncestors: (trees) => trees.countAncestors(node(target, 3)),
    findDescendants: (trees) => trees.findDescendants(node(target, 1)),
    findDescendantsTree: (trees) => trees.findDescendantsTree(node(target, 1)),
    findAncestors: (trees) => trees.findAncestors(node(target, 3)),
    findAncestorsTree: (trees) => trees.findAncestorsTree(node(target, 3)),
    createDescendantsQueryBuilder: (trees) =>
      trees
        .createDescendantsQueryBuilder('n', 'closure', node(target, 1))
        .orderBy('n.id')
        .getMany(),
    createAncestorsQueryBuilder: (trees) =>
      trees.createAncestorsQueryBuilder('n', 'closure', node(target, 3)).orderBy('n.id').getMany(),
    // Those of Repository have more to do in a tree.
    'save: a new leaf': async (trees) => {
      const saved = await trees.save({ name: 'new', parent: await found(trees, 'child') });
      return [saved, await trees.findTrees()];
    },
    'save: moved': async (trees) => {
      const leaf = await found(trees, 'leaf');
      leaf.parent = await found(trees, 'root');
      await trees.save(leaf);
      return await trees.findTrees();
    },
    'remove: a leaf': async (trees) => {
      await trees.remove(await found(trees, 'leaf'));
      return await trees.findTrees();
    },
    'update: a leaf': (trees) => trees.update({ name: 'leaf' }, { name: 'updated' }),
  };
  for (const [title, call] of Object.entries(methods)) {
    const [method, way] = title.split(': ');
    const own = /^(save|remove|update)$/.test(method) ? 'A tree' : `TreeRepository.${method}`;
    // In an object, because the order of what they find is not specified.
    TREES[`${own}: ${target.name}${way === undefined ? '' : `, ${method} ${way}`}`] = (on) =>
      call(on.repository(target)).then((result) => ({ result }));
  }
}
