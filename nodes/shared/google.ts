/**
 * What `google-smarthome-in` and `google-smarthome-out` see of their account, and how they find it.
 */
import type { NodeAPI } from 'node-red';
import type { GoogleAccount } from '../../src/google/account';
import type { SmartHome } from '../../src/google/home';
import { accountOf } from './define-config';
import { wordsOf, type Words } from './words';

/** The account with this id. @throws CodedError INVALID_INPUT */
export function googleAccountOf(RED: NodeAPI, id: unknown): GoogleAccount {
  return accountOf(RED, 'google-smarthome-config', id, 'Google account') as GoogleAccount;
}

/** The home of the account with this id. @throws CodedError INVALID_INPUT */
export function homeOf(RED: NodeAPI, id: unknown): SmartHome {
  return googleAccountOf(RED, id).home;
}

/** Badge words of both nodes: the tree `google-smarthome-config` of its locale file. */
export function googleWords(RED: NodeAPI): (...args: Parameters<Words>) => string {
  const words = wordsOf(RED, 'google-smarthome-config');
  // Badges ask for the same few with every command.
  const known = new Map<string, string>();
  return (key, values) => {
    const before = values === undefined ? known.get(key) : undefined;
    if (before !== undefined) return before;
    const found = words(key, values) ?? key;
    if (values === undefined) known.set(key, found);
    return found;
  };
}
