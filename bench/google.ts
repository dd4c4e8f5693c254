/**
 * Google's QUERY and EXECUTE for 100 devices, 20 requests at a time: the whole way through a real Node-RED (token, flow,
 * answer) beside a bare Express handler in the same process, which reads the same JSON and writes the same.
 */
import http from 'node:http';
import { fetchCode, redeem } from '../src/simulator/google-link';
import { NodeRed, type FlowNode } from '../test/support/node-red';
import { ProbeLink } from '../test/support/probe-link';
import { median, type Row } from './table';

const DEVICES = 100;
const AT_ONCE = 20;
const REQUESTS = 200;
const ROUNDS = 5;

const ids = Array.from({ length: DEVICES }, (_, index) => `door-${index}`);
const QUERY = { intent: 'action.devices.QUERY', payload: { devices: ids.map((id) => ({ id })) } };
const EXECUTE = {
  intent: 'action.devices.EXECUTE',
  payload: {
    commands: [
      {
        devices: ids.map((id) => ({ id })),
        execution: [{ command: 'action.devices.commands.LockUnlock', params: { lock: true } }],
      },
    ],
  },
};

export async function run(): Promise<Row[]> {
  const probe = await ProbeLink.start();
  const nodeRed = await NodeRed.start({
    packages: { 'node-red-contrib-thekeys-gateway': process.cwd(), probe: probe.folder },
    env: probe.env,
  });
  const agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE });
  try {
    await nodeRed.deploy(flow());
    await probe.connected();
    const settings = {
      authorizeUrl: `${nodeRed.url}/google-smarthome/oauth/authorize`,
      tokenUrl: `${nodeRed.url}/google-smarthome/oauth/token`,
      projectId: 'demo-home-project',
      clientId: 'demo-client',
      clientSecret: 'demo-client-secret',
    };
    const { accessToken } = await redeem(settings, await fetchCode(settings, 'anna', 'correct horse'));
    const ask = (path: string, input: object): Promise<string> =>
      post(agent, `${nodeRed.url}${path}`, accessToken, JSON.stringify({ requestId: 'bench', inputs: [input] }));
    const rows: Row[] = [];
    for (const [name, input] of Object.entries({ EXECUTE, QUERY })) {
      const answer = await ask('/google-smarthome/fulfillment', input);
      if ((answer.match(/"SUCCESS"/g) ?? []).length === 0 || answer.includes('"ERROR"')) throw new Error(answer);
      await probe.ask({ do: 'bare-answer', text: answer });
      const perSecond: Record<'/google-smarthome/fulfillment' | '/probe/bare', number[]> = {
        '/google-smarthome/fulfillment': [],
        '/probe/bare': [],
      };
      for (let round = -1; round < ROUNDS; round += 1) {
        for (const path of ['/google-smarthome/fulfillment', '/probe/bare'] as const) {
          const began = performance.now();
          let left = REQUESTS;
          const worker = async (): Promise<void> => {
            while ((left -= 1) >= 0) await ask(path, input);
          };
          await Promise.all(Array.from({ length: AT_ONCE }, worker));
          // The first round compiles.
          if (round >= 0) perSecond[path].push((REQUESTS * 1000) / (performance.now() - began));
        }
      }
      rows.push({
        name: `Google ${name} of ${DEVICES} devices, ${AT_ONCE} requests at a time`,
        value: median(perSecond['/google-smarthome/fulfillment']),
        unit: '/s',
        better: 'more',
        against: { name: 'bare Express handler', value: median(perSecond['/probe/bare']) },
      });
    }
    return rows;
  } finally {
    agent.destroy();
    await nodeRed.stop();
    await probe.stop();
  }
}

function flow(): FlowNode[] {
  return [
    { id: 'tab', type: 'tab', label: 'bench' },
    {
      id: 'account',
      type: 'google-smarthome-config',
      name: '',
      path: '',
      projectId: 'demo-home-project',
      homeGraphEndpoint: '',
      credentials: {
        clientId: 'demo-client',
        clientSecret: 'demo-client-secret',
        users: 'anna:correct horse',
        serviceAccountKey: '',
        sharedState: '',
      },
    },
    ...ids.map((id, index) => ({
      id,
      type: 'google-smarthome-in',
      z: 'tab',
      x: 100,
      y: 40 * index,
      account: 'account',
      deviceId: id,
      deviceName: `door ${index}`,
      nicknames: [],
      roomHint: '',
      deviceType: 'LOCK',
      pinFor: 'none',
      replyTimeout: 20_000,
      wires: [['answer']],
    })),
    {
      id: 'answer',
      type: 'function',
      z: 'tab',
      x: 300,
      y: 40,
      func: 'msg.payload = { isLocked: msg.payload.params.lock, isJammed: false }; return msg;',
      outputs: 1,
      libs: [],
      wires: [['out']],
    },
    { id: 'out', type: 'google-smarthome-out', z: 'tab', x: 500, y: 40, account: 'account', device: '', wires: [] },
  ];
}

function post(agent: http.Agent, url: string, token: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
      Authorization: `Bearer ${token}`,
    };
    const request = http.request(url, { method: 'POST', headers, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`HTTP ${response.statusCode ?? 0}: ${text.slice(0, 200)}`));
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}
