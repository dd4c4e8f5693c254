/**
 * Words for badges, errors and logs in the language of the runtime: the tree that a node type's locale file holds under
 * the type's name. Node-RED translates; where it has no catalogue loaded (tests, an embedding program) the English file
 * answers.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { NodeAPI } from 'node-red';

/** The words of a key such as `badge.waiting`; undefined where the catalogue has none. */
export type Words = (key: string, values?: Record<string, string | number>) => string | undefined;

const PACKAGE = 'node-red-contrib-thekeys-gateway';
interface Tree {
  [name: string]: Tree | string;
}
const english = new Map<string, Tree>();

/** @param type the node type whose locale file has the words @param other has those that the first one has not */
export function wordsOf(RED: NodeAPI, type: string, other?: string): Words {
  const words = wordsIn(RED, type);
  if (other === undefined) return words;
  const otherwise = wordsIn(RED, other);
  return (key, values) => words(key, values) ?? otherwise(key, values);
}

function wordsIn(RED: NodeAPI, catalogue: string): Words {
  // Badges change several times with each command, and a look-up costs more than the rest of that.
  const known = new Map<string, string | undefined>();
  return (key, values) => {
    if (values === undefined && known.has(key)) return known.get(key);
    const full = `${PACKAGE}/${catalogue}:${catalogue}.${key}`;
    const translated: unknown = RED._(full, values ?? {});
    const missing = typeof translated !== 'string' || translated === full || translated === `${catalogue}.${key}`;
    const words = missing ? inEnglish(catalogue, key, values ?? {}) : translated;
    if (values === undefined) known.set(key, words);
    return words;
  };
}

function inEnglish(catalogue: string, key: string, values: Record<string, string | number>): string | undefined {
  const file = path.join(__dirname, '..', 'locales', 'en-US', `${catalogue}.json`);
  const tree = english.get(catalogue) ?? (JSON.parse(readFileSync(file, 'utf8')) as Tree);
  english.set(catalogue, tree);
  let found: Tree | string | undefined = tree[catalogue];
  for (const part of key.split('.')) found = typeof found === 'object' ? found[part] : undefined;
  if (typeof found !== 'string') return undefined;
  return found.replace(/__(\w+)__/g, (whole, name: string) => String(values[name] ?? whole));
}
