/**
 * Answers a command of Google, reports what a device is now, or sends Google everything anew. What a message means:
 * `src/google/flow-messages.ts`.
 */
import { text, typed } from '../src/common/settings';
import type { GoogleAccount } from '../src/google/account';
import type { Received } from '../src/google/home';
import type { Badge } from './shared/badge';
import { defineNode } from './shared/define-node';
import { operationOf, sendAnew, showLack } from './shared/google';

export = defineNode({
  type: 'google-smarthome-out',
  account: 'google-smarthome-config',
  settings: { device: typed(text('the device')) },
  start: (running, account) => {
    const { node, badge, words } = running;
    running.onInput(async (message, { settings, signal }) => {
      const operation = operationOf(message);
      if (operation !== undefined) {
        await sendAnew(account, operation, signal);
        await showSent(badge, operation === 'report' ? 'reported' : 'synced', account);
        return null;
      }
      const received = await account.home.receive(message, settings.device);
      const { kind } = received;
      if (kind === 'reported' || kind === 'notified') await showSent(badge, kind, account);
      else show(badge, received);
      if (kind === 'spent' && !received.warned) node.warn(words('warning.spent') ?? '');
      return null;
    });
  },
});

function show(badge: Badge, received: Received): void {
  const { kind } = received;
  if (kind === 'offline') badge.show('down', 'OFFLINE');
  else if (kind !== 'answered') badge.show('warning', kind);
  else if (received.code !== undefined) badge.show('warning', received.code);
  else if (received.status === 'EXCEPTIONS') badge.show('warning', 'EXCEPTIONS');
  else badge.show('ok', received.late ? 'late' : 'answered');
}

/** What went to Google, or why nothing can. */
async function showSent(badge: Badge, key: string, account: GoogleAccount): Promise<void> {
  const lack = await account.lack().catch(() => undefined);
  if (lack === undefined) badge.show('ok', key);
  else showLack(badge, lack);
}
