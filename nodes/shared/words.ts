/**
 * Words for badges and errors in the language of the runtime. Node-RED translates; where it has no catalogue loaded
 * (tests, an embedding program) the English file beside the nodes answers, so that nobody ever reads a raw key.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { NodeAPI } from 'node-red';

export type Words = (key: string, values?: Record<string, string | number>) => string;

const PACKAGE = 'node-red-contrib-thekeys-gateway';
interface Tree {
  [name: string]: Tree | string;
}
const english = new Map<string, Tree>();

/** Words of `locales/<language>/<type>.json`; keys are paths in that file, `lock-action.badge.waiting`. */
export function wordsOf(RED: NodeAPI, type: string): Words {
  // Badges change several times with each command, and looking a word up costs more than the rest of that.
  const plain = new Map<string, string>();
  return (key, values) => {
    const known = values === undefined ? plain.get(key) : undefined;
    if (known !== undefined) return known;
    const full = `${PACKAGE}/${type}:${key}`;
    const translated = RED._(full, values ?? {});
    if (typeof translated !== 'string' || translated === full || translated === key) {
      return inEnglish(type, key, values ?? {});
    }
    if (values === undefined) plain.set(key, translated);
    return translated;
  };
}

function inEnglish(type: string, key: string, values: Record<string, string | number>): string {
  let tree = english.get(type);
  if (tree === undefined) {
    tree = JSON.parse(readFileSync(path.join(__dirname, '..', 'locales', 'en-US', `${type}.json`), 'utf8')) as Tree;
    english.set(type, tree);
  }
  let found: Tree | string | undefined = tree;
  for (const part of key.split('.')) found = typeof found === 'object' ? found[part] : undefined;
  if (typeof found !== 'string') return key;
  return found.replace(/__(\w+)__/g, (whole, name: string) => String(values[name] ?? whole));
}
