/**
 * Words for badges, errors and logs in the language of the runtime: the tree that a node type's locale file holds under
 * the type's name. Node-RED translates.
 */
import type { NodeAPI } from 'node-red';

/** The words of a key such as `badge.waiting`; undefined where the catalogue has none. */
export type Words = (key: string, values?: Record<string, string | number>) => string | undefined;

/** @param type the node type whose locale file has the words @param other has those that the first one has not */
export function wordsOf(RED: NodeAPI, type: string, other?: string): Words {
  const words = wordsIn(RED, type);
  if (other === undefined) return words;
  const otherwise = wordsIn(RED, other);
  return (key, values) => words(key, values) ?? otherwise(key, values);
}

function wordsIn(RED: NodeAPI, type: string): Words {
  // Badges change several times with each command, and a look-up costs more than the rest of that.
  const known = new Map<string, string | undefined>();
  return (key, values) => {
    if (values === undefined && known.has(key)) return known.get(key);
    const path = `${type}.${key}`;
    const full = `node-red-contrib-thekeys-gateway/${type}:${path}`;
    const found: unknown = RED._(full, values ?? {});
    const words = typeof found === 'string' && found !== full && found !== path ? found : undefined;
    if (values === undefined) known.set(key, words);
    return words;
  };
}
