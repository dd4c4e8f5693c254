/**
 * Many items, one result: whole lists go to the cloud in batches, what it changed and what it did not is merged, and a POST
 * whose fate is unclear is settled by reading the list before anything is posted again. Single requests and their retries
 * are the client's; which items there are is decided before.
 */
import { foreignText } from '../common/foreign';
import { MOST_ATTEMPTS, type ChangeMethod, type Resource, type SberClient } from './client';
import { cloudFailure, codeOfNumber, SberError } from './failures';
import type { Device, ItemFailure, Model, Outcome, Raw, States } from './shapes';
import { meansSame } from './validation';

/** Sber documents no limit. A hundred models are some 70 KB: small enough for any proxy on the way. */
const BATCH = 100;

/** What is to be done to some items. */
export interface Change {
  method: ChangeMethod;
  path: Resource;
  ids: readonly string[];
  /** Of the request for some of them. */
  body: (ids: readonly string[]) => object;
  /** What is there. Without it a POST whose fate is unclear is not repeated. */
  list?: (client: SberClient) => Promise<Raw[]>;
  /** Whether an earlier attempt did what the last one reports as failed: by what is there, or by the cloud's words. */
  isDone?: (there: Raw | undefined, id: string, message: string) => boolean;
}

/** One that is already there with the same meaning after an unclear POST counts as applied. */
export function newModels(models: readonly Model[]): Change {
  const { ids, some } = byId(models);
  return {
    method: 'POST',
    path: 'models',
    ids,
    body: (of) => ({ models: some(of) }),
    list: (client) => client.listModels(),
    isDone: (there, id) => {
      const [model] = some([id]);
      return there !== undefined && model !== undefined && meansSame(there, model);
    },
  };
}

export function otherModels(models: readonly Model[]): Change {
  const { ids, some } = byId(models);
  return { method: 'PUT', path: 'models', ids, body: (of) => ({ models: some(of) }) };
}

export function unwantedModels(ids: readonly string[]): Change {
  return {
    method: 'DELETE',
    path: 'models',
    ids,
    body: (model_ids) => ({ model_ids }),
    list: (client) => client.listModels(),
    isDone: (there) => there === undefined,
  };
}

export function newDevices(userId: string, devices: readonly Device[]): Change {
  const { ids, some } = byId(devices);
  return {
    method: 'POST',
    path: 'devices',
    ids,
    body: (of) => ({ user_id: userId, devices: some(of) }),
    list: (client) => client.listDevices(userId),
    // Whether a device that is there is the same one cannot be known: Sber and the user change names and rooms.
    isDone: (there) => there !== undefined,
  };
}

/** Sber knows whose they are. */
export function otherDevices(devices: readonly Device[]): Change {
  const { ids, some } = byId(devices);
  return { method: 'PUT', path: 'devices', ids, body: (of) => ({ devices: some(of) }) };
}

export function unwantedDevices(ids: readonly string[]): Change {
  return {
    method: 'DELETE',
    path: 'devices',
    ids,
    body: (device_ids) => ({ device_ids }),
    // Nothing but its words says so: the list of devices can be read for a user only, and here none is named.
    isDone: (_there, _id, message) => /not.?found|not exist|unknown|не найден/i.test(message),
  };
}

/** An unclear POST of states is not repeated: an old state could overtake a new one. */
export function newStates(states: States): Change {
  const body: Change['body'] = (ids) => ({ devices: Object.fromEntries(ids.map((id) => [id, states[id]])) });
  return { method: 'POST', path: 'state', ids: Object.keys(states), body };
}

/** The notice that a user unlinked. Sent once: there is no list to read back. */
export function unlinkedUser(userId: string): Change {
  return { method: 'POST', path: 'unlink', ids: [userId], body: () => ({ user_id: userId }) };
}

function byId<T extends { id: string }>(
  items: readonly T[],
): { ids: string[]; some: (ids: readonly string[]) => (T | undefined)[] } {
  const all = new Map(items.map((item) => [item.id, item]));
  return { ids: [...all.keys()], some: (ids) => ids.map((id) => all.get(id)) };
}

/** Carries one change out. An error where nothing at all was applied. */
export async function send(client: SberClient, change: Change): Promise<Outcome> {
  const [outcome = { applied: [], failed: [] }] = await sendAll(client, [change]);
  return outcome;
}

const NOT_DELETED = 'not deleted, because something could not be created';

/**
 * Carries changes out one after the other, batch by batch. An error that would meet every batch stops the rest, which then
 * counts as failed. Nothing is deleted where something could not be created: it may be meant to replace what goes.
 * @param unchanged how many items are right already: then "nothing was changed" is no error of its own
 */
export async function sendAll(client: SberClient, changes: readonly Change[], unchanged = 0): Promise<Outcome[]> {
  const total = changes.reduce((sum, { ids }) => sum + ids.length, 0);
  const outcomes: Outcome[] = [];
  let done = 0;
  let hasFailedToCreate = false;
  let firstError: SberError | undefined;
  let stopped: SberError | undefined;
  for (const change of changes) {
    const { method, ids } = change;
    const outcome: Outcome = { applied: [], failed: [] };
    outcomes.push(outcome);
    for (let start = 0; start < ids.length; start += BATCH) {
      const batch = ids.slice(start, start + BATCH);
      if (method === 'DELETE' && hasFailedToCreate) {
        outcome.failed.push(...batch.map((id) => ({ id, code: 0, message: NOT_DELETED })));
        continue;
      }
      if (stopped !== undefined) {
        outcome.failed.push(...failedAll(batch, stopped, 'not sent after '));
        continue;
      }
      client.throwIfStopped();
      const { applied, failed, error } = await sendBatch(client, change, batch);
      outcome.applied.push(...applied);
      outcome.failed.push(...failed);
      firstError ??= error;
      // Only a validation error concerns one batch; all others would meet the next batch too.
      if (error?.code !== 'SBER_VALIDATION') stopped = error;
      done += batch.length;
      client.work.onProgress?.(done, total);
    }
    hasFailedToCreate ||= method === 'POST' && outcome.failed.length > 0;
  }
  if (outcomes.some(({ applied }) => applied.length > 0)) return outcomes;
  if (firstError !== undefined) throw firstError;
  const [failure] = outcomes.flatMap(({ failed }) => failed);
  if (failure !== undefined && unchanged === 0) throw failureOfAll(failure);
  return outcomes;
}

/** No item was changed, each for a reason of its own: the first one's stands for all. */
function failureOfAll({ id, code, message }: ItemFailure): SberError {
  const words = `Sber changed none of them; ${foreignText(id, 60)}: ${code}${message === '' ? '' : `: ${message}`}`;
  return new SberError(codeOfNumber(code) ?? 'BAD_RESPONSE', words, code === 0 ? {} : { gatewayCode: code });
}

type Sent = Outcome & { error?: SberError };

/**
 * One batch. After a POST whose fate is unclear the list is read: what is there counts as applied, and only what is not is
 * posted again. Never a second POST without having read the list in between.
 */
async function sendBatch(client: SberClient, change: Change, batch: readonly string[]): Promise<Sent> {
  const { method, path, body, isDone } = change;
  const applied: string[] = [];
  const failed: ItemFailure[] = [];
  const deadline = client.deadline();
  let rest = batch;
  const gaveUp = (error: SberError): Sent => ({ applied, failed: [...failed, ...failedAll(rest, error)], error });
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { failed: named, repeated } = await client.change(method, path, body(rest));
      const last = merged(rest, attempt > 1 || repeated ? await afterRepeat(client, change, named) : named);
      return { applied: [...applied, ...last.applied], failed: [...failed, ...last.failed] };
    } catch (thrown) {
      const error = cloudFailure(thrown);
      if (method !== 'POST' || change.list === undefined || !isUnclear(error)) return gaveUp(error);
      // It may still be at work on it: a moment's patience, then look.
      if (!(await client.mayRepeat(attempt + 1, error, deadline))) return gaveUp(error);
      const there = await readList(client, change);
      if (there === undefined) {
        const { code, message, cause } = error;
        return gaveUp(new SberError(code, `${message}; whether it was carried out could not be read`, cause));
      }
      for (const id of rest.filter((each) => there.has(each))) {
        if (isDone?.(there.get(id), id, '') === true) applied.push(id);
        else failed.push(...failedAll([id], error, 'the cloud has it with other content; '));
      }
      rest = rest.filter((id) => !there.has(id));
      if (rest.length === 0) return { applied, failed };
      // A page that is no answer of Sber's will be the same page again.
      const again = error.code !== 'BAD_RESPONSE' && (error.code !== 'SBER_TIMEOUT' || attempt === 1);
      if (attempt >= MOST_ATTEMPTS || !again) return gaveUp(error);
    }
  }
}

/** Whether it is unknown if the POST was carried out. Sber's own refusals are clear, and so is what never left. */
function isUnclear({ code, cause, sent }: SberError): boolean {
  if (!sent) return false;
  if (code !== 'BAD_RESPONSE') {
    return ['SBER_INTERNAL', 'SBER_UNAVAILABLE', 'SBER_UNREACHABLE', 'SBER_TIMEOUT'].includes(code);
  }
  return cause.gatewayCode === undefined && (cause.httpStatus ?? 200) < 300;
}

/**
 * The failures of a request that was sent again, without those that an earlier one did after all (it came late, or only its
 * answer was lost): the list has the last word, where it can be read.
 */
async function afterRepeat(client: SberClient, change: Change, failed: ItemFailure[]): Promise<ItemFailure[]> {
  const { ids, isDone } = change;
  if (failed.length === 0 || isDone === undefined) return failed;
  const there = await readList(client, change);
  return there === undefined
    ? failed
    : failed.filter(({ id, message }) => !ids.includes(id) || !isDone(there.get(id), id, message));
}

/** What is there, by id; undefined where not even that can be read. */
async function readList(client: SberClient, { list }: Change): Promise<Map<unknown, Raw> | undefined> {
  try {
    return new Map((await list?.(client))?.map((raw) => [raw.id, raw]));
  } catch (thrown) {
    cloudFailure(thrown);
    return undefined;
  }
}

function failedAll(ids: readonly string[], error: SberError, before = ''): ItemFailure[] {
  const { gatewayCode, httpStatus = 0 } = error.cause;
  // A status that is no failure says nothing of why it failed.
  const code = gatewayCode ?? (httpStatus >= 300 ? httpStatus : 0);
  return ids.map((id) => ({ id, code, message: `${before}${error.code}: ${error.message}` }));
}

/** Items and the failures among them. What is not named was changed (`error`, 19 February 2025). */
function merged(ids: readonly string[], failures: readonly ItemFailure[]): Outcome {
  const named = new Map(failures.map((failure) => [failure.id, failure]));
  // An entry without an id may mean any item that is not named. Better to call one failed too many than applied.
  const nameless = named.get('');
  if (nameless === undefined) return { applied: ids.filter((id) => !named.has(id)), failed: [...named.values()] };
  const others = failures.filter(({ id }) => id !== '' && !ids.includes(id));
  return { applied: [], failed: [...ids.map((id) => named.get(id) ?? { ...nameless, id }), ...others] };
}
