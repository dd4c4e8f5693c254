/**
 * The least that Node-RED needs for an EXECUTE of Google: a pair of nodes that take the same request, send one message for
 * each device, and answer with the same bytes when all have come back. No tokens, no PINs, no order, no limit of time,
 * nothing kept and nothing shown: the yardstick for the nodes that do all that.
 */
import type { Node, NodeAPI, NodeDef, NodeMessage } from 'node-red';

interface Request {
  requestId: string;
  inputs: {
    payload: { commands: { devices: { id: string }[]; execution: { command: string; params: { lock: boolean } }[] }[] };
  }[];
}

type Message = NodeMessage & { probeHandle?: number };

function init(RED: NodeAPI): void {
  const ways = new Map<string, Node>();
  const waiting = new Map<number, (message: Message) => void>();
  let handles = 0;

  RED.nodes.registerType('probe-pair-in', function (this: Node, config: NodeDef & { deviceId?: string }) {
    RED.nodes.createNode(this, config);
    ways.set(config.deviceId ?? '', this);
  });

  RED.nodes.registerType('probe-pair-out', function (this: Node, config: NodeDef) {
    RED.nodes.createNode(this, config);
    this.on('input', (message: Message, _send, done) => {
      waiting.get(message.probeHandle ?? 0)?.(message);
      waiting.delete(message.probeHandle ?? 0);
      done();
    });
  });

  RED.httpNode.post('/probe/pair', (request, response) => {
    // Parsed by Express, as for the bare handler beside it.
    const { requestId, inputs } = request.body as Request;
    const wanted = (inputs[0]?.payload.commands ?? []).flatMap(({ devices, execution }) =>
      devices.flatMap(({ id }) => execution.map((one) => ({ id, ...one }))),
    );
    const commands: object[] = new Array<object>(wanted.length);
    let left = wanted.length;
    for (const [index, { id, command, params }] of wanted.entries()) {
      handles += 1;
      waiting.set(handles, ({ payload }) => {
        const { isLocked = params.lock, isJammed = false } = payload as { isLocked?: boolean; isJammed?: boolean };
        commands[index] = { ids: [id], status: 'SUCCESS', states: { online: true, isJammed, isLocked } };
        left -= 1;
        if (left === 0) response.json({ requestId, payload: { commands } });
      });
      const message: Message = {
        payload: { command, params: { ...params }, action: params.lock ? 'close' : 'open', deviceId: id },
        probeHandle: handles,
      };
      ways.get(id)?.send(message);
    }
  });
}

export = init;
