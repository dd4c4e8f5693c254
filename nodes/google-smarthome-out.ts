/**
 * Tells Google what came of a command, or what a device is now. What a message means is told by `src/google/answers.ts`.
 */
import type { Node, NodeAPI, NodeDef } from 'node-red';
import type { Settled } from '../src/google/home';
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
      const settled = homeOf(RED, config.account).take(message, device);
      if (settled instanceof Promise) return settled.then(show);
      show(settled);
      return null;
    });

    const show = (settled: Settled): null => {
      switch (settled.kind) {
        case 'answered':
          if (settled.code !== undefined) adapter.badge('warning', settled.code);
          else if (settled.status === 'EXCEPTIONS') adapter.badge('warning', words('badge.EXCEPTIONS'));
          else adapter.badge('ok', words(settled.late ? 'badge.late' : 'badge.answered'));
          return null;
        case 'reported':
          adapter.badge('ok', words('badge.reported'));
          return null;
        case 'ignored':
          adapter.badge('warning', words('badge.ignored'));
          return null;
        case 'spent':
          adapter.badge('warning', words('badge.spent'));
          if (!settled.told) this.warn(words('warning.spent'));
          return null;
      }
    };
  }

  RED.nodes.registerType('google-smarthome-out', GoogleOut);
}

export = init;
