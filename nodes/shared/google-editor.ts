/**
 * What the dialog of the Google account asks the runtime: who is on its list, whether Google can work with it, and that
 * Google is sent everything anew. Names are no secret; passwords come in here, and none goes out.
 */
import type { NodeAPI } from 'node-red';
import { abortable } from '../../src/common/abort';
import { mayCarrySecrets } from '../../src/common/address';
import { ApiFailure, createApiClient } from '../../src/common/api-client';
import { systemClock } from '../../src/common/clock';
import { invalidInput } from '../../src/common/errors';
import { foreignText } from '../../src/common/foreign';
import { isRecord } from '../../src/common/json';
import { textSetting } from '../../src/common/settings';
import type { Probe } from '../../src/google/home-graph';
import { parseUsers } from '../../src/google/users';
import { routesOf, type Body } from './admin';
import { accountInDialog, deployed } from './define-config';
import { askToSync, isFault } from './google';
import { proxyOf } from './runtime';

const CONFIG = 'google-smarthome-config';
const REACH_MS = 10_000;
const MAX_PAGE_BYTES = 64 * 1024;
/** Google refuses an assertion that is minutes off. */
const CLOCK_TOLERANCE_MS = 60_000;

/** A line of a verdict: words by their key, and what is filled into them. */
interface Finding {
  key: string;
  /** Undefined: neither good nor bad. */
  good?: boolean;
  values?: Values | undefined;
}
type Values = Record<string, string | number>;
const good = (key: string, values?: Values): Finding => ({ key, good: true, values });
const bad = (key: string, values?: Values): Finding => ({ key, good: false, values });
const problem = (key: string, reason: string): Finding => bad(key, { reason: foreignText(reason, 300) });

export function serveGoogleEditor(RED: NodeAPI): void {
  const route = routesOf(RED, CONFIG);
  route('get', '/google/:id/users', ({ id }) => ({ names: namesOf(RED, id) }));
  route('post', '/google/users', (body) => keepUsers(RED, body));
  route('post', '/google/test', (body, signal) => test(RED, body, signal));
  route('post', '/google/sync', async ({ id }, signal) => {
    const account = accountInDialog(RED, CONFIG, id);
    const devices = account.home.reportAll();
    const { links, asked } = await askToSync(account, signal);
    return { links, enabled: account.graph.enabled, asked, devices };
  });
}

function storedUsers(RED: NodeAPI, id: unknown): { text: string; credentials: Record<string, unknown> } {
  const found = typeof id === 'string' && deployed(RED, CONFIG, id) !== undefined ? RED.nodes.getCredentials(id) : null;
  const credentials = (found ?? {}) as Record<string, unknown>;
  return { text: typeof credentials.users === 'string' ? credentials.users : '', credentials };
}

/** A variable that holds the whole list is named in its place. */
function namesOf(RED: NodeAPI, id: unknown): string[] {
  const { text } = storedUsers(RED, id);
  return /^\$\{[^}]+\}$/.test(text.trim()) ? [text.trim()] : parseUsers(text).users.map(({ name }) => name);
}

/**
 * A list in which some keep the password that is stored: with it the list is put together here and becomes the account's
 * credential. Node-RED writes it at the next deploy, as it does with all that a node hands it for a dialog.
 * @throws CodedError INVALID_INPUT
 */
async function keepUsers(RED: NodeAPI, { id, users }: Body): Promise<object> {
  const { text, credentials } = storedUsers(RED, id);
  const stored = new Map(parseUsers(text).users.map(({ name, password }) => [name, password]));
  const lines = (Array.isArray(users) ? users : []).map((user: unknown) => {
    const { name, password } = isRecord(user) ? user : {};
    const line = typeof name === 'string' ? (typeof password === 'string' ? password : stored.get(name)) : undefined;
    if (line === undefined) throw invalidInput('a user has no password', 'Type a password for each new user.', 'users');
    return `${String(name)}:${line}`;
  });
  const { problems } = parseUsers(lines.join('\n'));
  if (lines.length === 0 || problems.length > 0 || lines.some((line) => line.includes('\n'))) {
    const hint = 'Give each user a name of their own and a password.';
    throw invalidInput('the list of users is not usable', hint, 'users');
  }
  await RED.nodes.addCredentials(String(id), { ...credentials, users: lines.join('\n') });
  return {};
}

async function test(RED: NodeAPI, body: Body, signal: AbortSignal): Promise<{ findings: Finding[] }> {
  const account = accountInDialog(RED, CONFIG, body.id);
  const lack = await account.lack();
  const [reach, google, links] = await Promise.all([
    reachable(RED, body, signal),
    abortable(account.graph.probe(signal), signal),
    account.accounts.linkCount(),
  ]);
  const last = account.lastRequest();
  return {
    findings: [
      ...(isFault(lack) ? [bad('lack', { setting: lack })] : []),
      reach,
      ...(google === undefined ? [bad('noKey')] : graphFindings(google)),
      links === 0 ? { key: 'noLinks' } : good('links', { links }),
      last === undefined ? { key: 'noRequest' } : good('lastRequest', { at: last }),
    ],
  };
}

function graphFindings({ clockAheadMs, keyProblem, callProblem }: Probe): Finding[] {
  const findings: Finding[] = [];
  if (clockAheadMs !== undefined) {
    const values = { seconds: Math.round(Math.abs(clockAheadMs) / 1000) };
    findings.push(Math.abs(clockAheadMs) < CLOCK_TOLERANCE_MS ? good('clock', values) : bad('clockWrong', values));
  }
  if (keyProblem !== undefined) return [...findings, problem('keyRefused', keyProblem)];
  const call = callProblem === undefined ? good('homeGraph') : problem('homeGraphOff', callProblem);
  return [...findings, good('key'), call];
}

/** Asks the token address as the internet sees it. Other methods than POST it refuses in a way of its own. */
async function reachable(RED: NodeAPI, { token, proxy }: Body, signal: AbortSignal): Promise<Finding> {
  const address = textSetting(token, 'the public address');
  if (address === '') return { key: 'noAddress' };
  if (!URL.canParse(address) || !mayCarrySecrets(new URL(address))) return bad('noHttps');
  const api = createApiClient({ clock: systemClock, proxy: proxyOf(RED, textSetting(proxy, 'the proxy')) });
  try {
    const request = { url: new URL(address), timeoutMs: REACH_MS, maxBytes: MAX_PAGE_BYTES, signal };
    const { status, headers } = await api.call({ method: 'GET', ...request });
    return status === 405 && headers.allow === 'POST' ? good('reach') : bad('otherAnswer', { status });
  } catch (error) {
    if (error instanceof ApiFailure && error.kind !== 'aborted') return problem('unreached', error.reason);
    throw error;
  }
}
