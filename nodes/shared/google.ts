/** What `google-smarthome-in` and `google-smarthome-out` show of their account, and how Google is sent everything anew. */
import { abortable } from '../../src/common/abort';
import { systemClock } from '../../src/common/clock';
import { CodedError } from '../../src/common/errors';
import { isRecord } from '../../src/common/json';
import type { GoogleAccount, Lack, NeededSetting } from '../../src/google/account';
import type { Badge } from './badge';
import type { Message } from './define-node';

/** As long as a person waits for it. Google is asked again afterwards, too. */
const SYNC_MS = 15_000;

/** A missing setting is a fault; that there is no link or no key yet is not. */
export const isFault = (lack: Lack | undefined): lack is NeededSetting =>
  lack !== undefined && lack !== 'link' && lack !== 'serviceAccountKey';

export function showLack(badge: Badge, lack: Lack): void {
  badge.show(isFault(lack) ? 'warning' : 'idle', `lack.${lack}`);
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
