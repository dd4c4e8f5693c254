/** Google, speaking to a fulfilment over HTTP for one user. Every answer is held against the schemas on its way. */
import type { JsonObject } from '../../src/google/types';
import { checkAnswer, type Described } from './google-schemas';
import type { Result } from './smart-home';

export class Voice {
  /** The `agentUserId`, once SYNC has told it. */
  user = '';

  constructor(
    readonly address: string,
    readonly token: string,
  ) {}

  raw(body: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(this.address, {
      method: 'POST',
      body,
      headers: {
        'Content-Type': 'application/json;charset=UTF-8',
        Authorization: `Bearer ${this.token}`,
        'google-assistant-api-version': 'v1',
        ...headers,
      },
    });
  }

  async post(request: JsonObject): Promise<JsonObject> {
    const response = await this.raw(JSON.stringify(request));
    if (response.status !== 200) throw new Error(`HTTP ${response.status}: ${await response.text()}`);
    const answer = (await response.json()) as JsonObject;
    const { inputs } = request as unknown as { inputs: { intent: string }[] };
    const isSync = inputs[0]?.intent === 'action.devices.SYNC';
    const devices = isSync || inputs[0]?.intent === 'action.devices.DISCONNECT' ? [] : await this.sync();
    checkAnswer(request, answer, devices);
    return answer;
  }

  async sync(): Promise<(Described & JsonObject)[]> {
    const answer = await this.post({ requestId: '1', inputs: [{ intent: 'action.devices.SYNC' }] });
    const { payload } = answer as unknown as { payload: { agentUserId: string; devices: (Described & JsonObject)[] } };
    this.user = payload.agentUserId;
    return payload.devices;
  }

  async query(...ids: string[]): Promise<Record<string, JsonObject>> {
    const devices = ids.map((id) => ({ id }));
    const answer = await this.post({
      requestId: '2',
      inputs: [{ intent: 'action.devices.QUERY', payload: { devices } }],
    });
    return (answer as unknown as { payload: { devices: Record<string, JsonObject> } }).payload.devices;
  }

  async execute(id: string, command: string, params: JsonObject, challenge?: JsonObject): Promise<Result> {
    const execution = [{ command: `action.devices.commands.${command}`, params, ...(challenge && { challenge }) }];
    const payload = { commands: [{ devices: [{ id }], execution }] };
    const answer = await this.post({ requestId: '3', inputs: [{ intent: 'action.devices.EXECUTE', payload }] });
    return (answer as unknown as { payload: { commands: Result[] } }).payload.commands[0]!;
  }
}
