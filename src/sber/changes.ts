/**
 * Many items, one result: whole lists go to the cloud in batches, what it changed and what it did not is merged, and a POST
 * whose fate is unclear is settled by reading the list before anything is posted again. Single requests and their retries
 * are the client's; which items there are is decided before.
 */
import { invalidInput, type CodedError } from '../common/errors';
import { foreignText } from '../common/foreign';
import { MOST_ATTEMPTS, stopped, type Call, type SberClient, type States, type Written } from './client';
import { codeOfNumber, SberError } from './failures';
import { meaningOfModel, planOf, type Plan } from './models';
import type { Device, ItemFailure, Model, Outcome, Raw, SyncOutcome } from './shapes';

/** Sber documents no limit. A hundred models are some 70 KB: small enough for any proxy on the way. */
const BATCH = 100;

export interface Work extends Call {
  /** After each batch of long work: items done, of how many. */
  onProgress?: (done: number, total: number) => void;
}

/** What became of a list: the first error of a whole batch, and the one that kept the rest from being sent. */
interface Batches extends Outcome {
  error?: SberError | undefined;
  stopped?: SberError | undefined;
}

/** Registers models. One that is already there with the same meaning after an unclear POST counts as applied. */
export async function createModels(client: SberClient, models: readonly Model[], work: Work): Promise<Outcome> {
  return outcomeOf(await inBatches(models, idOf, work, (batch) => postModels(client, batch, work)));
}

export async function updateModels(client: SberClient, models: readonly Model[], work: Work): Promise<Outcome> {
  return outcomeOf(await inBatches(models, idOf, work, (batch) => putModels(client, batch, work)));
}

export async function deleteModels(client: SberClient, ids: readonly string[], work: Work): Promise<Outcome> {
  return outcomeOf(await inBatches(ids, String, work, (batch) => removeModels(client, batch, work)));
}

/** Brings the cloud to these models; on a dry run, says what that would do. @throws also INVALID_INPUT */
export async function syncModels(
  client: SberClient,
  models: readonly Model[],
  { deleteMissing, isDry }: { deleteMissing: boolean; isDry: boolean },
  work: Work,
): Promise<SyncOutcome> {
  if (deleteMissing && models.length === 0) {
    throw invalidInput(
      'an empty list would delete every model',
      'To delete all models, give their ids to the delete operation.',
    );
  }
  const plan = await planModels(client, models, deleteMissing, work);
  return isDry ? foretold(plan) : carryOut(client, plan, work);
}

/** What `sync` would do. Reads the cloud, changes nothing. */
export async function planModels(
  client: SberClient,
  wanted: readonly Model[],
  deleteMissing: boolean,
  work: Work,
): Promise<Plan> {
  const current = await client.listModels(work);
  return planOf(current, wanted, { deleteMissing, pace: client.pace(work) });
}

/** A plan as the result that carrying it out without a failure would have. */
export function foretold(plan: Plan): SyncOutcome {
  return {
    created: plan.create.map(idOf),
    updated: plan.update.map(idOf),
    deleted: plan.delete,
    unchanged: plan.unchanged,
    failed: [],
  };
}

/**
 * Carries a plan out: what is new, what changed, then what goes. A final error stops it, and nothing is deleted where
 * something could not be created: the new model may be meant to replace the old one.
 */
export async function carryOut(client: SberClient, plan: Plan, work: Work): Promise<SyncOutcome> {
  const total = plan.create.length + plan.update.length + plan.delete.length;
  const send = { total, before: 0 };
  const created = await inBatches(plan.create, idOf, work, (batch) => postModels(client, batch, work), send);
  const afterCreation = { total, before: plan.create.length, stopped: created.stopped };
  const updated = await inBatches(plan.update, idOf, work, (batch) => putModels(client, batch, work), afterCreation);
  const afterUpdate = { total, before: total - plan.delete.length, stopped: updated.stopped };
  const deleted =
    created.failed.length === 0
      ? await inBatches(plan.delete, String, work, (batch) => removeModels(client, batch, work), afterUpdate)
      : { applied: [], failed: plan.delete.map((id) => ({ id, code: 0, message: NOT_DELETED })) };
  const failed = [created, updated, deleted].flatMap((each) => each.failed);
  if (created.applied.length + updated.applied.length + deleted.applied.length === 0) {
    const error = created.error ?? updated.error ?? deleted.error;
    if (error !== undefined) throw error;
    if (plan.unchanged.length === 0) throwFirst(failed);
  }
  return {
    created: created.applied,
    updated: updated.applied,
    deleted: deleted.applied,
    unchanged: plan.unchanged,
    failed,
  };
}

const NOT_DELETED = 'not deleted, because something could not be created';

export async function addDevices(
  client: SberClient,
  userId: string,
  devices: readonly Device[],
  work: Work,
): Promise<Outcome> {
  const posting: Posting<Device> = {
    post: (rest) => client.postDevices(userId, rest, work),
    list: () => client.listDevices(userId, [], work),
    // Whether a device that is there is the same one cannot be known: Sber and the user change names and rooms.
    isSame: () => true,
  };
  return outcomeOf(await inBatches(devices, idOf, work, (batch) => settlePost(client, batch, posting, work)));
}

export async function updateDevices(client: SberClient, devices: readonly Device[], work: Work): Promise<Outcome> {
  const put = async (batch: readonly Device[]): Promise<Outcome> =>
    merged(batch.map(idOf), (await client.putDevices(batch, work)).failed);
  return outcomeOf(await inBatches(devices, idOf, work, put));
}

export async function deleteDevices(client: SberClient, ids: readonly string[], work: Work): Promise<Outcome> {
  const remove = async (batch: readonly string[]): Promise<Outcome> => {
    const { failed, attempts } = await client.deleteDevices(batch, work);
    // Nothing but its words says so: the list of devices can be read for a user only, and here none is named.
    const isGone = ({ message }: ItemFailure): boolean => /not.?found|not exist|unknown|не найден/i.test(message);
    return merged(
      batch,
      failed.filter((failure) => attempts === 1 || !isGone(failure)),
    );
  };
  return outcomeOf(await inBatches(ids, String, work, remove));
}

/** Reports states. An unclear POST is not repeated: there is no way to know what Sber has shown meanwhile. */
export async function reportStates(client: SberClient, states: States, work: Work): Promise<Outcome> {
  const nameOf = ([name]: [string, States[string]]): string => name;
  const post = async (batch: readonly [string, States[string]][]): Promise<Outcome> =>
    merged(batch.map(nameOf), (await client.postState(Object.fromEntries(batch), work)).failed);
  return outcomeOf(await inBatches(Object.entries(states), nameOf, work, post));
}

/** Lets Sber know that a user unlinked. Sent once: there is no list to read back. */
export async function unlinkUser(client: SberClient, userId: string, work: Work): Promise<Outcome> {
  const { failed } = await client.unlink(userId, work);
  return outcomeOf(merged([userId], failed));
}

/**
 * Sends a list batch by batch. An error that would meet every batch stops the rest, which then counts as failed.
 * @param from where the list stands in longer work, and what has stopped that already
 */
async function inBatches<T>(
  items: readonly T[],
  idOfItem: (item: T) => string,
  work: Work,
  send: (batch: readonly T[]) => Promise<Outcome>,
  from: { total: number; before: number; stopped?: SberError | undefined } = { total: items.length, before: 0 },
): Promise<Batches> {
  const all: Batches = { applied: [], failed: [], stopped: from.stopped };
  for (let start = 0; start < items.length; start += BATCH) {
    const batch = items.slice(start, start + BATCH);
    if (all.stopped !== undefined) {
      all.failed.push(...failedAll(batch.map(idOfItem), all.stopped, 'not sent after '));
      continue;
    }
    if (work.signal?.aborted) throw stopped(work);
    try {
      const { applied, failed } = await send(batch);
      all.applied.push(...applied);
      all.failed.push(...failed);
    } catch (error) {
      if (!(error instanceof SberError) || error.code === 'RESULT_UNKNOWN') throw error;
      all.error ??= error;
      all.failed.push(...failedAll(batch.map(idOfItem), error));
      // Only a validation error concerns one batch; all others would meet the next batch too.
      if (error.code !== 'SBER_VALIDATION') all.stopped = error;
    }
    work.onProgress?.(from.before + Math.min(items.length, start + BATCH), from.total);
  }
  return all;
}

/** A plain outcome; an error where nothing at all was applied. */
function outcomeOf({ applied, failed, error }: Batches): Outcome {
  if (applied.length === 0) {
    if (error !== undefined) throw error;
    throwFirst(failed);
  }
  return { applied, failed };
}

/** All items failed: the error that says so, with the first one's code. */
function throwFirst([first]: readonly ItemFailure[]): void {
  if (first === undefined) return;
  const words = first.message === '' ? '' : `: ${first.message}`;
  const message = `Sber changed none of them; ${foreignText(first.id, 60)}: ${first.code}${words}`;
  const facts = first.code === 0 ? {} : { gatewayCode: first.code };
  throw new SberError(codeOfNumber(first.code) ?? 'BAD_RESPONSE', message, facts);
}

function failedAll(ids: readonly string[], error: CodedError, before = ''): ItemFailure[] {
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

async function putModels(client: SberClient, batch: readonly Model[], work: Work): Promise<Outcome> {
  return merged(batch.map(idOf), (await client.putModels(batch, work)).failed);
}

/** DELETE. Sent a second time, it may be answered that what the first one removed is not there: the list knows. */
async function removeModels(client: SberClient, batch: readonly string[], work: Work): Promise<Outcome> {
  const { failed, attempts } = await client.deleteModels(batch, work);
  const outcome = merged(batch, failed);
  if (attempts === 1) return outcome;
  return afterRepeat(
    outcome,
    batch,
    () => client.listModels(work),
    (_id, there) => there === undefined,
  );
}

function postModels(client: SberClient, batch: readonly Model[], work: Work): Promise<Outcome> {
  const posting: Posting<Model> = {
    post: (rest) => client.postModels(rest, work),
    list: () => client.listModels(work),
    isSame: (there, wanted) => meaningOfModel(there) === meaningOfModel(wanted),
  };
  return settlePost(client, batch, posting, work);
}

interface Posting<T> {
  post: (rest: readonly T[]) => Promise<Written>;
  list: () => Promise<Raw[]>;
  isSame: (there: Raw, wanted: T) => boolean;
}

/**
 * POST, and what to do when its fate is unclear: read the list, count what is there as applied, and post again only what
 * is not. Never a second POST without having read the list in between.
 */
async function settlePost<T extends { id: string }>(
  client: SberClient,
  batch: readonly T[],
  { post, list, isSame }: Posting<T>,
  work: Work,
): Promise<Outcome> {
  const outcome: Outcome = { applied: [], failed: [] };
  const deadline = client.deadline();
  const isNew = (): boolean => outcome.applied.length + outcome.failed.length === 0;
  let rest = batch;
  for (let attempt = 1; ; attempt += 1) {
    const wanted = new Map(rest.map((item) => [item.id, item]));
    const isDone = (id: string, there: Raw | undefined): boolean => {
      const item = wanted.get(id);
      return there !== undefined && item !== undefined && isSame(there, item);
    };
    try {
      const ids = rest.map(idOf);
      const posted = merged(ids, (await post(rest)).failed);
      const { applied, failed } = attempt === 1 ? posted : await afterRepeat(posted, ids, list, isDone);
      outcome.applied.push(...applied);
      outcome.failed.push(...failed);
      return outcome;
    } catch (error) {
      if (!(error instanceof SberError) || !isUnclear(error)) throw error;
      // It may still be at work on it: a moment's patience, then look.
      await client.waitBefore(attempt + 1, error, deadline, work);
      const there = await readList(list);
      if (there === undefined) {
        const { code, message, cause } = error;
        const blind = new SberError(code, `${message}; whether it was carried out could not be read`, cause);
        if (isNew()) throw blind;
        outcome.failed.push(...failedAll(rest.map(idOf), blind));
        return outcome;
      }
      outcome.applied.push(...rest.filter(({ id }) => isDone(id, there.get(id))).map(idOf));
      const other = rest.filter(({ id }) => there.has(id) && !isDone(id, there.get(id))).map(idOf);
      outcome.failed.push(...failedAll(other, error, 'the cloud has it with other content; '));
      rest = rest.filter(({ id }) => !there.has(id));
      if (rest.length === 0) return outcome;
      // A page that is no answer of Sber's will be the same page again.
      const again = error.code !== 'BAD_RESPONSE' && (error.code !== 'SBER_TIMEOUT' || attempt === 1);
      if (attempt < MOST_ATTEMPTS && again) continue;
      if (isNew()) throw error;
      outcome.failed.push(...failedAll(rest.map(idOf), error));
      return outcome;
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
 * What came of a request that was sent again. Items that the last one did not change may be those that an earlier one did
 * (it came late, or only its answer was lost): the list has the last word, where it can be read.
 */
async function afterRepeat(
  outcome: Outcome,
  ids: readonly string[],
  list: () => Promise<Raw[]>,
  isDone: (id: string, there: Raw | undefined) => boolean,
): Promise<Outcome> {
  if (outcome.failed.length === 0) return outcome;
  const there = await readList(list);
  if (there === undefined) return outcome;
  const failed = outcome.failed.filter(({ id }) => !ids.includes(id) || !isDone(id, there.get(id)));
  const named = new Set(failed.map(({ id }) => id));
  return { applied: ids.filter((id) => !named.has(id)), failed };
}

/** What is there, by id; undefined where not even that can be read. */
async function readList(list: () => Promise<Raw[]>): Promise<Map<string, Raw> | undefined> {
  try {
    return new Map((await list()).flatMap((raw) => (typeof raw.id === 'string' ? [[raw.id, raw]] : [])));
  } catch (error) {
    if (!(error instanceof SberError) || error.code === 'RESULT_UNKNOWN') throw error;
    return undefined;
  }
}

function idOf({ id }: { id: string }): string {
  return id;
}
