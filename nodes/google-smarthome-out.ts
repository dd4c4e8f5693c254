/**
 * Tells Google what came of a command, or what a device is now. What a message means: `src/google/flow-answers.ts`.
 */
import type { Node, NodeAPI, NodeDef } from 'node-red';
import type { Received } from '../src/google/messages';
import { Adapter, type Message } from './shared/adapter';
import { googleWords, homeOf } from './shared/google';

interface GoogleOutDef extends NodeDef {
  account?: unknown;
  device?: unknown;
}

function init(RED: NodeAPI): void {
  function GoogleOut(this: Node, config: GoogleOutDef): void {
    RED.nodes.createNode(this, config);
    const words = googleWords(RED);
    const adapter = new Adapter(this, { RED, words, transportCodes: [], calmBadge: true });
    const device = typeof config.device === 'string' ? config.device.trim() : '';

    adapter.onInput((message: Message) => {
      return homeOf(RED, config.account).receive(message, device).then(show);
    });

    const show = (received: Received): null => {
      switch (received.kind) {
        case 'answered':
          if (received.code !== undefined) adapter.badge('warning', received.code);
          else if (received.status === 'EXCEPTIONS') adapter.badge('warning', words('badge.EXCEPTIONS'));
          else adapter.badge('ok', words(received.late ? 'badge.late' : 'badge.answered'));
          return null;
        case 'reported':
        case 'notified':
          adapter.badge('ok', words(`badge.${received.kind}`));
          return null;
        case 'offline':
          adapter.badge('down', words('badge.OFFLINE'));
          return null;
        case 'ignored':
          adapter.badge('warning', words('badge.ignored'));
          return null;
        case 'spent':
          adapter.badge('warning', words('badge.spent'));
          if (!received.warned) this.warn(words('warning.spent'));
          return null;
      }
    };
  }

  RED.nodes.registerType('google-smarthome-out', GoogleOut);
}

export = init;
