/**
 * A device that Google may command: joins its account with what was set in the dialog, and sends one message for each
 * command. What it is and what it may do: `src/google/devices`; PINs: `src/google/permission.ts`.
 */
import type { Node, NodeAPI, NodeDef } from 'node-red';
import type { Result } from '../src/google/fulfillment';
import { foreignText } from '../src/common/foreign';
import { parseDevice } from '../src/google/device-settings';
import { Adapter, type Message, type Picture } from './shared/adapter';
import { googleWords, homeOf } from './shared/google';

interface GoogleInDef extends NodeDef {
  account?: unknown;
}

interface GoogleInCredentials {
  pin: unknown;
}

const PICTURES: Readonly<Record<Result['status'], Picture>> = {
  SUCCESS: 'ok',
  PENDING: 'waiting',
  OFFLINE: 'down',
  EXCEPTIONS: 'warning',
  ERROR: 'failed',
};

function init(RED: NodeAPI): void {
  function GoogleIn(this: Node<GoogleInCredentials>, config: GoogleInDef): void {
    RED.nodes.createNode(this, config);
    const words = googleWords(RED);
    const adapter = new Adapter(this, { RED, words, transportCodes: [], calmBadge: true });
    try {
      const pin = (this.credentials as GoogleInCredentials | undefined)?.pin;
      const settings = parseDevice({ ...config }, pin, this.id);
      const leave = homeOf(RED, config.account).register(settings, {
        onCommand: (message) => {
          adapter.badge('working', wordFor(message.payload.action ?? message.payload.command));
          adapter.emit(message as unknown as Message);
        },
        onResult: ({ status, errorCode, challengeNeeded: question }, command) => {
          if (question !== undefined) adapter.badge('waiting', words(`badge.${question.type}`));
          else if (status === 'SUCCESS') adapter.badge('ok', wordFor(command?.action ?? command?.name ?? ''));
          else adapter.badge(PICTURES[status], errorCode ?? words(`badge.${status}`));
        },
      });
      adapter.onClose(leave);
      adapter.badge('idle', words('badge.ready'));
    } catch (error) {
      adapter.report(error);
      // This node has no input to check, as the word for such an error says.
      adapter.badge('failed', words('badge.settings'));
    }

    /** Commands of custom devices have no word of ours; Google's own name serves. */
    function wordFor(name: string): string {
      const text = words(`badge.${name}`);
      return text === `badge.${name}` ? foreignText(name) : text;
    }
  }

  RED.nodes.registerType('google-smarthome-in', GoogleIn, { credentials: { pin: { type: 'password' } } });
}

export = init;
