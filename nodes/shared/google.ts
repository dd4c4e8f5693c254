/**
 * What `google-smarthome-in` and `google-smarthome-out` see of their account, and how they find it.
 */
import type { NodeAPI } from 'node-red';
import type { GoogleAccount } from '../../src/google/account';
import type { SmartHome } from '../../src/google/home';
import { accountOf } from './define-config';

/** The account with this id. @throws CodedError INVALID_INPUT */
export function googleAccountOf(RED: NodeAPI, id: unknown): GoogleAccount {
  return accountOf(RED, 'google-smarthome-config', id, 'Google account') as GoogleAccount;
}

/** The home of the account with this id. @throws CodedError INVALID_INPUT */
export function homeOf(RED: NodeAPI, id: unknown): SmartHome {
  return googleAccountOf(RED, id).home;
}
