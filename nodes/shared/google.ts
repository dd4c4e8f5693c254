/**
 * What `google-smarthome-in` and `google-smarthome-out` see of their account, how they find it, and what their badges say
 * while it lacks something.
 */
import type { NodeAPI } from 'node-red';
import { abortable } from '../../src/common/abort';
import { systemClock } from '../../src/common/clock';
import { CodedError } from '../../src/common/errors';
import { isRecord } from '../../src/common/json';
import type { GoogleAccount, Lack } from '../../src/google/account';
import type { Badge } from './badge';
import { accountOf } from './define-config';
import type { Message } from './message';

/** As long as a person waits for it. Google is asked again afterwards, too. */
const SYNC_MS = 15_000;

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

/**
 * Asks Google to read the device list of every linked user again. `asked` is false where Google refuses, or has not got it
 * after as long as a person waits.
 */
export async function askToSync(
  { accounts, graph }: GoogleAccount,
  signal: AbortSignal,
): Promise<{ links: number; asked: boolean }> {
  const users = await accounts.linkedUsers();
  const inTime = new Promise<boolean>((resolve) => {
    const forget = systemClock.after(SYNC_MS, () => resolve(false));
    void graph.requestSync(users).then(resolve).finally(forget);
  });
  return { links: users.length, asked: await abortable(inTime, signal) };
}

/** A payload with nothing but an operation in it, and no command that it could answer. */
export function operationOf({ payload, google }: Message): 'sync' | 'report' | undefined {
  if (!isRecord(payload) || Object.keys(payload).length !== 1 || (google !== undefined && google !== ''))
    return undefined;
  const { operation } = payload;
  return operation === 'sync' || operation === 'report' ? operation : undefined;
}

/** @throws CodedError CLOUD_UNREACHABLE where Google has not been asked to read the device list */
export async function sendAnew(
  account: GoogleAccount,
  operation: 'sync' | 'report',
  signal: AbortSignal,
): Promise<void> {
  if (operation === 'report') {
    account.home.reportAll();
    return;
  }
  const { links, asked } = await askToSync(account, signal);
  if (asked || links === 0 || !account.graph.enabled) return;
  throw new CodedError('CLOUD_UNREACHABLE', 'Google has not been asked to read the device list yet', {
    retriable: true,
    hint: 'While Google cannot be reached it is asked again by itself. The log says why; Test in the account tells more.',
  });
}
