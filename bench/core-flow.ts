/**
 * What a user builds from Node-RED's own nodes to open a lock: a function node that signs, the `http request` node, and a
 * function node that looks at the answer. No queue, no unique timestamps, no read-back: the simplest thing that works
 * when nothing goes wrong.
 */
import type { FlowNode } from '../test/support/node-red';

export interface CoreFlow {
  /** Takes `msg.action` and `msg.identifier`, or opens the lock. */
  first: string;
  nodes: FlowNode[];
}

export function coreFlow(
  prefix: string,
  tab: string,
  host: string,
  identifier: string,
  code: string,
  next: string,
): CoreFlow {
  const [sign, send, judge] = ['sign', 'send', 'judge'].map((name) => `${prefix}-${name}`) as [string, string, string];
  const signing = [
    'const ts = String(Math.floor(Date.now() / 1000));',
    `const hash = crypto.createHmac('sha256', ${JSON.stringify(code)}).update(ts).digest('base64');`,
    `const identifier = msg.identifier || ${JSON.stringify(identifier)};`,
    `msg.url = 'http://${host}/' + (msg.action || 'open');`,
    "msg.headers = { 'content-type': 'application/x-www-form-urlencoded' };",
    "msg.payload = 'identifier=' + identifier + '&ts=' + ts + '&hash=' + encodeURIComponent(hash);",
    'return msg;',
  ];
  const judging = [
    "if (msg.payload && msg.payload.status === 'ok') return msg;",
    "const error = new Error('the gateway refused');",
    "error.code = msg.payload && msg.payload.code ? 'code ' + msg.payload.code : 'http ' + msg.statusCode;",
    'throw error;',
  ];
  return {
    first: sign,
    nodes: [
      {
        id: sign,
        type: 'function',
        z: tab,
        x: 100,
        y: 40,
        name: 'sign',
        func: signing.join('\n'),
        outputs: 1,
        libs: [{ var: 'crypto', module: 'crypto' }],
        wires: [[send]],
      },
      {
        id: send,
        type: 'http request',
        z: tab,
        x: 250,
        y: 40,
        method: 'POST',
        ret: 'obj',
        paytoqs: 'ignore',
        url: '',
        senderr: true,
        wires: [[judge]],
      },
      {
        id: judge,
        type: 'function',
        z: tab,
        x: 400,
        y: 40,
        name: 'judge',
        func: judging.join('\n'),
        outputs: 1,
        libs: [],
        wires: [[next]],
      },
    ],
  };
}
