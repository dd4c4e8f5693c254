/**
 * What `google-smarthome-in` and `google-smarthome-out` see of their account, how they find it, and what their badges say
 * while it lacks something.
 */
import type { NodeAPI } from 'node-red';
import type { GoogleAccount, Lack } from '../../src/google/account';
import type { Badge } from './badge';
import { accountOf } from './define-config';

/** The account with this id. @throws CodedError INVALID_INPUT */
export function googleAccountOf(RED: NodeAPI, id: unknown): GoogleAccount {
  return accountOf(RED, 'google-smarthome-config', id, 'Google account') as GoogleAccount;
}

/** A missing setting is a fault; that there is no link or no key yet is not. */
export function showLack(badge: Badge, lack: Lack): void {
  badge.show(lack === 'link' || lack === 'serviceAccountKey' ? 'idle' : 'warning', `lack.${lack}`);
}

/** Calls back with what the account lacks, now and after each change of its links. Returns the way to stop. */
export function whileLinksChange(account: GoogleAccount, show: (lack: Lack | undefined) => void): () => void {
  const look = (): void => {
    // Where the links cannot be read, the log of the account says so.
    void account.lack().then(show, () => undefined);
  };
  look();
  return account.accounts.onLinksChanged(look);
}
