/**
 * Many items, one result: whole lists go to the cloud in batches, what it changed and what it did not is merged, and a POST
 * whose fate is unclear is settled by reading the list before anything is posted again. Single requests and their retries
 * are the client's; which items there are is decided before.
 */
import { invalidInput } from '../common/errors';
import { foreignText } from '../common/foreign';
import { MOST_ATTEMPTS, type ChangeMethod, type Resource, type SberClient } from './client';
import { cloudFailure, codeOfNumber, SberError } from './failures';
import { meaningOfModel, planOf, type Plan } from './models';
import type { Device, ItemFailure, Model, Outcome, Raw, States, SyncOutcome } from './shapes';

/** Sber documents no limit. A hundred models are some 70 KB: small enough for any proxy on the way. */
const BATCH = 100;

/** Items by their ids, and the method that they are sent with. */
export interface Change<T = unknown> {
  method: ChangeMethod;
  path: Resource;
  items: ReadonlyMap<string, T>;
  body: (batch: T[]) => object;
  /** What is there. Without it a POST whose fate is unclear is not repeated. */
  list?: (client: SberClient) => Promise<Raw[]>;
  /** Whether an earlier attempt did what the last one reports as failed: by what is there, or by the cloud's words. */
  isDone?: (there: Raw | undefined, item: T, message: string) => boolean;
}

/** One that is already there with the same meaning after an unclear POST counts as applied. */
export function newModels(models: readonly Model[]): Change<Model> {
  return {
    method: 'POST',
    path: 'models',
    items: byId(models),
    body: (batch) => ({ models: batch }),
    list: (client) => client.listModels(),
    isDone: (there, model) => there !== undefined && meaningOfModel(there) === meaningOfModel(model),
  };
}

export function otherModels(models: readonly Model[]): Change<Model> {
  return { method: 'PUT', path: 'models', items: byId(models), body: (batch) => ({ models: batch }) };
}

export function unwantedModels(ids: readonly string[]): Change<string> {
  return {
    method: 'DELETE',
    path: 'models',
    items: ofIds(ids),
    body: (model_ids) => ({ model_ids }),
    list: (client) => client.listModels(),
    isDone: (there) => there === undefined,
  };
}

export function newDevices(userId: string, devices: readonly Device[]): Change<Device> {
  return {
    method: 'POST',
    path: 'devices',
    items: byId(devices),
    body: (batch) => ({ user_id: userId, devices: batch }),
    list: (client) => client.listDevices(userId),
    // Whether a device that is there is the same one cannot be known: Sber and the user change names and rooms.
    isDone: (there) => there !== undefined,
  };
}

/** Sber knows whose they are. */
export function otherDevices(devices: readonly Device[]): Change<Device> {
  return { method: 'PUT', path: 'devices', items: byId(devices), body: (batch) => ({ devices: batch }) };
}

export function unwantedDevices(ids: readonly string[]): Change<string> {
  return {
    method: 'DELETE',
    path: 'devices',
    items: ofIds(ids),
    body: (device_ids) => ({ device_ids }),
    // Nothing but its words says so: the list of devices can be read for a user only, and here none is named.
    isDone: (_there, _id, message) => /not.?found|not exist|unknown|не найден/i.test(message),
  };
}

/** An unclear POST of states is not repeated: an old state could overtake a new one. */
export function newStates(states: States): Change<[string, States[string]]> {
  const items = new Map(Object.entries(states).map((entry) => [entry[0], entry]));
  return { method: 'POST', path: 'state', items, body: (batch) => ({ devices: Object.fromEntries(batch) }) };
}

/** The notice that a user unlinked. Sent once: there is no list to read back. */
export function unlinkedUser(userId: string): Change<string> {
  return { method: 'POST', path: 'unlink', items: ofIds([userId]), body: () => ({ user_id: userId }) };
}

/** Carries one change out. An error where nothing at all was applied. */
export async function send<T>(client: SberClient, change: Change<T>): Promise<Outcome> {
  const batches = new Batches(client, change.items.size);
  const outcome = await batches.send(change);
  if (outcome.applied.length === 0) batches.throwError(outcome.failed);
  return outcome;
}

/** Brings the cloud to these models; on a dry run, says what that would do. @throws also INVALID_INPUT */
export async function syncModels(
  client: SberClient,
  models: readonly Model[],
  { deleteMissing, isDry }: { deleteMissing: boolean; isDry: boolean },
): Promise<SyncOutcome> {
  if (deleteMissing && models.length === 0) {
    throw invalidInput(
      'an empty list would delete every model',
      'To delete all models, give their ids to the delete operation.',
    );
  }
  const plan = await planOf(await client.listModels(), models, deleteMissing, client.pace);
  return isDry ? foretold(plan) : carryOut(client, plan);
}

/** A plan as the result that carrying it out without a failure would have. */
export function foretold(plan: Plan): SyncOutcome {
  return {
    created: plan.create.map(({ id }) => id),
    updated: plan.update.map(({ id }) => id),
    deleted: plan.delete,
    unchanged: plan.unchanged,
    failed: [],
  };
}

const NOT_DELETED = 'not deleted, because something could not be created';

/**
 * Carries a plan out: what is new, what changed, then what goes. A final error stops it, and nothing is deleted where
 * something could not be created: the new model may be meant to replace the old one.
 */
export async function carryOut(client: SberClient, plan: Plan): Promise<SyncOutcome> {
  const batches = new Batches(client, plan.create.length + plan.update.length + plan.delete.length);
  const created = await batches.send(newModels(plan.create));
  const updated = await batches.send(otherModels(plan.update));
  const deleted =
    created.failed.length === 0
      ? await batches.send(unwantedModels(plan.delete))
      : { applied: [], failed: plan.delete.map((id) => ({ id, code: 0, message: NOT_DELETED })) };
  const outcomes = [created, updated, deleted];
  const failed = outcomes.flatMap((each) => each.failed);
  const isNothingDone = outcomes.every(({ applied }) => applied.length === 0);
  if (isNothingDone) batches.throwError(plan.unchanged.length === 0 ? failed : []);
  return {
    created: created.applied,
    updated: updated.applied,
    deleted: deleted.applied,
    unchanged: plan.unchanged,
    failed,
  };
}

/** Sends lists batch by batch. An error that would meet every batch stops the rest, which then counts as failed. */
class Batches {
  private done = 0;
  /** The first error that met a whole batch. */
  private error: SberError | undefined;
  /** The one that keeps the rest from being sent. */
  private stopped: SberError | undefined;

  constructor(
    private readonly client: SberClient,
    private readonly total: number,
  ) {}

  async send<T>(change: Change<T>): Promise<Outcome> {
    const all: Outcome = { applied: [], failed: [] };
    const ids = [...change.items.keys()];
    for (let start = 0; start < ids.length; start += BATCH) {
      const batch = ids.slice(start, start + BATCH);
      if (this.stopped !== undefined) {
        all.failed.push(...failedAll(batch, this.stopped, 'not sent after '));
        continue;
      }
      this.client.throwIfStopped();
      const { applied, failed, error } = await sendBatch(this.client, change, batch);
      all.applied.push(...applied);
      all.failed.push(...failed);
      this.error ??= error;
      // Only a validation error concerns one batch; all others would meet the next batch too.
      if (error?.code !== 'SBER_VALIDATION') this.stopped = error;
      this.done += batch.length;
      this.client.work.onProgress?.(this.done, this.total);
    }
    return all;
  }

  /** Nothing was changed: the error of a whole batch, or else one that says so with the first item's code. */
  throwError([first]: readonly ItemFailure[]): void {
    if (this.error !== undefined) throw this.error;
    if (first === undefined) return;
    const words = first.message === '' ? '' : `: ${first.message}`;
    const message = `Sber changed none of them; ${foreignText(first.id, 60)}: ${first.code}${words}`;
    const facts = first.code === 0 ? {} : { gatewayCode: first.code };
    throw new SberError(codeOfNumber(first.code) ?? 'BAD_RESPONSE', message, facts);
  }
}

type Sent = Outcome & { error?: SberError };

/**
 * One batch. After a POST whose fate is unclear the list is read: what is there counts as applied, and only what is not is
 * posted again. Never a second POST without having read the list in between.
 */
async function sendBatch<T>(client: SberClient, change: Change<T>, batch: readonly string[]): Promise<Sent> {
  const { method, path, items, body, list } = change;
  const known: Outcome = { applied: [], failed: [] };
  const deadline = client.deadline();
  let rest = batch;
  const gaveUp = (error: SberError): Sent => {
    return { applied: known.applied, failed: [...known.failed, ...failedAll(rest, error)], error };
  };
  for (let attempt = 1; ; attempt += 1) {
    try {
      const some = rest.map((id) => items.get(id) as T);
      const { failed, repeated } = await client.change(method, path, body(some));
      const last = merged(rest, attempt > 1 || repeated ? await afterRepeat(client, change, failed) : failed);
      return { applied: [...known.applied, ...last.applied], failed: [...known.failed, ...last.failed] };
    } catch (thrown) {
      const error = cloudFailure(thrown);
      if (method !== 'POST' || list === undefined || !isUnclear(error)) return gaveUp(error);
      // It may still be at work on it: a moment's patience, then look.
      if (!(await client.mayRepeat(attempt + 1, error, deadline))) return gaveUp(error);
      const there = await readList(client, list);
      if (there === undefined) {
        const { code, message, cause } = error;
        return gaveUp(new SberError(code, `${message}; whether it was carried out could not be read`, cause));
      }
      for (const id of rest.filter((each) => there.has(each))) {
        if (isDone(change, id, there.get(id))) known.applied.push(id);
        else known.failed.push(...failedAll([id], error, 'the cloud has it with other content; '));
      }
      rest = rest.filter((id) => !there.has(id));
      if (rest.length === 0) return known;
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
async function afterRepeat<T>(client: SberClient, change: Change<T>, failed: ItemFailure[]): Promise<ItemFailure[]> {
  if (failed.length === 0 || change.isDone === undefined) return failed;
  const there = change.list === undefined ? new Map<string, Raw>() : await readList(client, change.list);
  if (there === undefined) return failed;
  return failed.filter(({ id, message }) => !isDone(change, id, there.get(id), message));
}

function isDone<T>({ items, isDone: is }: Change<T>, id: string, there: Raw | undefined, message = ''): boolean {
  const item = items.get(id);
  return item !== undefined && is?.(there, item, message) === true;
}

/** What is there, by id; undefined where not even that can be read. */
async function readList(
  client: SberClient,
  list: (client: SberClient) => Promise<Raw[]>,
): Promise<Map<string, Raw> | undefined> {
  try {
    return new Map((await list(client)).flatMap((raw) => (typeof raw.id === 'string' ? [[raw.id, raw]] : [])));
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

function byId<T extends { id: string }>(items: readonly T[]): Map<string, T> {
  return new Map(items.map((item) => [item.id, item]));
}

function ofIds(ids: readonly string[]): Map<string, string> {
  return new Map(ids.map((id) => [id, id]));
}
