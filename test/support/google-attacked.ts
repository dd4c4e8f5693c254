/** The attack suite's house in a real Node-RED as people set it up: the package installed from its tarball, nothing in settings.js. */
import { ATTACKED, type Target } from './google-attacks';
import { NodeRed, type NodeRedOptions } from './node-red';
import { installed } from './tarball';

export async function attackedNodeRed(
  where: Pick<NodeRedOptions, 'node' | 'nodeRed'> = {},
): Promise<{ target: Target; stop: () => Promise<void> }> {
  const nodeRed = await NodeRed.start({ ...where, userDir: await installed() });
  const canvas = (item: (typeof ATTACKED.items)[number], index: number): object =>
    item.type.endsWith('-config') ? {} : { z: 'tab', x: 200, y: 60 * index };
  await nodeRed.deploy([
    { id: 'tab', type: 'tab', label: 'attacked' },
    ...ATTACKED.items.map((item, index) => ({
      ...item,
      ...canvas(item, index),
      credentials: ATTACKED.credentials[item.id] ?? {},
    })),
    {
      id: 'told',
      type: 'debug',
      z: 'tab',
      x: 500,
      y: 60,
      active: true,
      tosidebar: true,
      complete: 'payload',
      wires: [],
    },
  ]);
  const told = (): unknown[] => nodeRed.debugged.filter(({ id }) => id === 'told').map(({ value }) => value);
  return {
    target: {
      base: nodeRed.url,
      told: async (atLeast) => {
        while (told().length < atLeast) await nodeRed.debug('told', nodeRed.debugged.length);
        return told();
      },
      log: () => nodeRed.log,
    },
    stop: () => nodeRed.stop(),
  };
}
