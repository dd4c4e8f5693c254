/**
 * Many items, one result: whole lists go to the cloud in batches, what it took and what it did not is merged, and a POST
 * whose fate is unclear is settled by reading the list before anything is posted again. Single requests and their
 * retries are the client's; which items there are is decided before.
 */
import { CodedError } from '../common/errors';
import { pause } from '../common/clock';
import { breathing } from './breath';
import { MOST_ATTEMPTS, stoppedUnderway, type Call, type SberClient, type States } from './client';
import { codeOfNumber, sberError, UnsentError } from './errors';
import { meaningOfModel, planOf, type Plan } from './models';
import type { Device, ItemFailure, Model, Outcome, Raw, SyncOutcome } from './shapes';

/** Sber documents no limit. A hundred models are some 70 KB: small enough for any proxy on the way. */
const BATCH = 100;

export interface Work extends Call {
  /** After each batch of long work: items done, of how many. */
  onProgress?: (done: number, total: number) => void;
}

/** What was applied, what failed, and the error that stopped the rest, if one did. */
interface Merged extends Outcome {
  error?: CodedError;
}

/** The same as plain outcome; an error where nothing at all was applied. */
function settled(merged: Merged): Outcome {
  const { applied, failed } = merged;
  if (applied.length === 0) throwFirst(merged);
  return { applied, failed };
}

/**
 * Work that changes something. Told to stop, it ends in the signal's reason, which says that nothing was sent; where
 * something was, in a pause before the next attempt or between two batches, that would be untrue.
 */
async function changing<T>(work: Work, run: (work: Work) => Promise<T>): Promise<T> {
  const seen = { sent: false };
  const onSent = (): void => {
    seen.sent = true;
    work.onSent?.();
  };
  try {
    return await run({ ...work, onSent });
  } catch (error) {
    throw seen.sent && work.signal?.aborted && error === work.signal.reason ? stoppedUnderway() : error;
  }
}

/** A list sent batch by batch, as plain outcome. */
async function changed<T>(
  items: readonly T[],
  work: Work,
  id: (item: T) => string,
  send: (batch: readonly T[], work: Work) => Promise<Outcome>,
): Promise<Outcome> {
  return changing(work, async (told) => settled(await inBatches(items, told, id, (batch) => send(batch, told))));
}

/** All items failed: the error that says so, with the first one's code. */
function throwFirst({ failed, error }: Pick<Merged, 'failed' | 'error'>): void {
  if (error !== undefined) throw error;
  const [first] = failed;
  if (first === undefined) return;
  const words = first.message === '' ? '' : `: ${first.message}`;
  throw sberError(codeOfNumber(first.code), `Sber took none of them; ${first.id}: ${first.code}${words}`, {
    ...(first.code === 0 ? {} : { gatewayCode: first.code }),
  });
}

/** Registers models. One that is already there with the same meaning after an unclear POST counts as applied. */
export async function createModels(client: SberClient, models: readonly Model[], work: Work): Promise<Outcome> {
  return changed(models, work, idOf, (batch, told) => postModels(client, batch, told));
}

export async function updateModels(client: SberClient, models: readonly Model[], work: Work): Promise<Outcome> {
  return changed(
    models,
    work,
    idOf,
    sent(idOf, (batch: readonly Model[], told) => client.putModels(batch, told)),
  );
}

export async function deleteModels(client: SberClient, ids: readonly string[], work: Work): Promise<Outcome> {
  return changed(ids, work, itself, (batch, told) => removed(client, batch, told));
}

/** What `sync` would do. Reads the cloud, changes nothing. */
export async function planModels(
  client: SberClient,
  wanted: readonly Model[],
  deleteMissing: boolean,
  work: Work,
): Promise<Plan> {
  const current = await client.listModels(work);
  return planOf(current, wanted, { deleteMissing, breath: breathing(client.clock, work.signal) });
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

/** Carries a plan out: what is new, what changed, then what goes. */
export async function carryOut(client: SberClient, plan: Plan, work: Work): Promise<SyncOutcome> {
  return changing(work, (told) => carriedOut(client, plan, told));
}

async function carriedOut(client: SberClient, plan: Plan, work: Work): Promise<SyncOutcome> {
  const total = plan.create.length + plan.update.length + plan.delete.length;
  let before = 0;
  let stopped: CodedError | undefined;
  const failed: ItemFailure[] = [];
  const step = async <T>(
    items: readonly T[],
    id: (item: T) => string,
    send: (batch: readonly T[], told: Work) => Promise<Outcome>,
  ): Promise<string[]> => {
    const onProgress = (done: number): void => work.onProgress?.(before + done, total);
    const merged = await inBatches(items, { ...work, onProgress }, id, (batch) => send(batch, work), stopped);
    before += items.length;
    stopped ??= isFinal(merged.error) ? merged.error : undefined;
    first ??= merged.error;
    failed.push(...merged.failed);
    return merged.applied;
  };
  let first: CodedError | undefined;
  const created = await step(plan.create, idOf, (batch, told) => postModels(client, batch, told));
  const updated = await step(
    plan.update,
    idOf,
    sent(idOf, (batch: readonly Model[], told) => client.putModels(batch, told)),
  );
  const deleted = await step(plan.delete, itself, (batch, told) => removed(client, batch, told));
  if (created.length + updated.length + deleted.length === 0) {
    if (first !== undefined) throw first;
    if (plan.unchanged.length === 0) throwFirst({ failed });
  }
  return { created, updated, deleted, unchanged: plan.unchanged, failed };
}

export async function addDevices(
  client: SberClient,
  userId: string,
  devices: readonly Device[],
  work: Work,
): Promise<Outcome> {
  return changed(devices, work, idOf, (batch, told) =>
    // Whether a device that is there is the same one cannot be told: Sber and the user change names and rooms.
    posted(
      client,
      batch,
      told,
      (rest) => client.postDevices(userId, rest, told),
      () => client.listDevices(userId, [], told),
      () => true,
    ),
  );
}

export async function updateDevices(client: SberClient, devices: readonly Device[], work: Work): Promise<Outcome> {
  return changed(
    devices,
    work,
    idOf,
    sent(idOf, (batch: readonly Device[], told) => client.putDevices(batch, told)),
  );
}

export async function deleteDevices(client: SberClient, ids: readonly string[], work: Work): Promise<Outcome> {
  return changed(
    ids,
    work,
    itself,
    sent(itself, (batch, told) => client.deleteDevices(batch, told)),
  );
}

/** Reports states. An unclear POST is not repeated: there is no telling what Sber has shown meanwhile. */
export async function reportStates(client: SberClient, states: States, work: Work): Promise<Outcome> {
  const id = ([name]: [string, States[string]]): string => name;
  return changed(
    Object.entries(states),
    work,
    id,
    sent(id, (batch, told) => client.postState(Object.fromEntries(batch), told)),
  );
}

/** Tells Sber that a user unlinked. Sent once: there is no list to read back. */
export async function unlinkUser(client: SberClient, userId: string, work: Work): Promise<Outcome> {
  return changed(
    [userId],
    work,
    itself,
    sent(itself, (_batch, told) => client.unlink(userId, told)),
  );
}

/** Sends a list batch by batch. An error that would meet every batch stops the rest, which is then told as failed. */
async function inBatches<T>(
  items: readonly T[],
  work: Work,
  id: (item: T) => string,
  send: (batch: readonly T[]) => Promise<Outcome>,
  stoppedBefore?: CodedError,
): Promise<Merged> {
  const merged: Merged = { applied: [], failed: [] };
  let stopped = stoppedBefore;
  for (let start = 0; start < items.length; start += BATCH) {
    const batch = items.slice(start, start + BATCH);
    if (stopped !== undefined) {
      merged.failed.push(...failedAll(batch.map(id), stopped, 'not sent after '));
      continue;
    }
    try {
      const { applied, failed } = await send(batch);
      merged.applied.push(...applied);
      merged.failed.push(...failed);
    } catch (error) {
      if (!(error instanceof CodedError) || work.signal?.aborted) throw error;
      const coded = error as CodedError;
      merged.error ??= coded;
      merged.failed.push(...failedAll(batch.map(id), coded));
      if (isFinal(coded)) stopped = coded;
    }
    work.onProgress?.(Math.min(items.length, start + BATCH), items.length);
  }
  return merged;
}

/** Only a validation error concerns one batch; all others would meet the next batch too. */
function isFinal(error: CodedError | undefined): boolean {
  return error !== undefined && error.code !== 'SBER_VALIDATION';
}

function failedAll(ids: readonly string[], error: CodedError, before = ''): ItemFailure[] {
  const { gatewayCode, httpStatus = 0 } = error.cause;
  // A status that is no failure says nothing of why it failed.
  const code = gatewayCode ?? (httpStatus >= 300 ? httpStatus : 0);
  return ids.map((id) => ({ id, code, message: `${before}${error.code}: ${error.message}` }));
}

/** A request that names what failed, as an outcome: what it does not name was taken (`error`, 19 February 2025). */
function sent<T>(
  id: (item: T) => string,
  request: (batch: readonly T[], work: Work) => Promise<ItemFailure[]>,
): (batch: readonly T[], work: Work) => Promise<Outcome> {
  return async (batch, work) => outcomeOf(batch.map(id), await request(batch, work));
}

function outcomeOf(ids: readonly string[], failures: readonly ItemFailure[]): Outcome {
  const named = new Map(failures.map((failure) => [failure.id, failure]));
  // An entry without an id may mean any item that is not named. Better to call one failed too many than applied.
  const nameless = named.get('');
  const applied = nameless === undefined ? ids.filter((id) => !named.has(id)) : [];
  const failed =
    nameless === undefined
      ? [...named.values()]
      : [...ids.map((id) => named.get(id) ?? { ...nameless, id }), ...foreign(ids, failures)];
  return { applied, failed };
}

function foreign(ids: readonly string[], failures: readonly ItemFailure[]): ItemFailure[] {
  return failures.filter(({ id }) => id !== '' && !ids.includes(id));
}

/** DELETE. Sent a second time, it may be told that what the first one removed is not there. */
async function removed(client: SberClient, batch: readonly string[], work: Work): Promise<Outcome> {
  const retries: number[] = [];
  const onRetry = (attempt: number): void => {
    retries.push(attempt);
    work.onRetry?.(attempt);
  };
  const outcome = outcomeOf(batch, await client.deleteModels(batch, { ...work, onRetry }));
  if (retries.length === 0) return outcome;
  const list = (): Promise<Raw[]> => client.listModels(work);
  return afterRepeat(outcome, batch, list, work, (_id, there) => there === undefined);
}

/**
 * What came of a request that was sent again. Items that the last one did not take may be those that an earlier one did
 * (it came late, or only its answer was lost): the list has the last word, where it can be read.
 */
async function afterRepeat(
  outcome: Outcome,
  ids: readonly string[],
  list: () => Promise<Raw[]>,
  work: Work,
  isDone: (id: string, there: Raw | undefined) => boolean,
): Promise<Outcome> {
  if (outcome.failed.length === 0) return outcome;
  const there = await readList(list, work);
  if (there === undefined) return outcome;
  const failed = outcome.failed.filter(({ id }) => !ids.includes(id) || !isDone(id, there.get(id)));
  const named = new Set(failed.map(({ id }) => id));
  return { applied: ids.filter((id) => !named.has(id)), failed };
}

function postModels(client: SberClient, batch: readonly Model[], work: Work): Promise<Outcome> {
  return posted(
    client,
    batch,
    work,
    (rest) => client.postModels(rest, work),
    () => client.listModels(work),
    (there, wanted) => meaningOfModel(there) === meaningOfModel(wanted),
  );
}

/**
 * POST, and what to do when its fate is unclear: read the list, count what is there as applied, and post again only what
 * is not. Never a second POST without having read the list in between.
 */
async function posted<T extends { id: string }>(
  client: SberClient,
  batch: readonly T[],
  work: Work,
  post: (rest: readonly T[]) => Promise<ItemFailure[]>,
  list: () => Promise<Raw[]>,
  isSame: (there: Raw, wanted: T) => boolean,
): Promise<Outcome> {
  const outcome: Outcome = { applied: [], failed: [] };
  let rest = batch;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const ids = rest.map(idOf);
      const told = outcomeOf(ids, await post(rest));
      const wanted = new Map(rest.map((item) => [item.id, item]));
      const isDone = (id: string, there: Raw | undefined): boolean => {
        const item = wanted.get(id);
        return there !== undefined && item !== undefined && isSame(there, item);
      };
      const { applied, failed } = attempt === 1 ? told : await afterRepeat(told, ids, list, work, isDone);
      outcome.applied.push(...applied);
      outcome.failed.push(...failed);
      return outcome;
    } catch (error) {
      if (!(error instanceof CodedError) || error instanceof UnsentError || work.signal?.aborted) throw error;
      const coded = error as CodedError;
      if (!isUnclear(coded)) throw error;
      const { code, message: text, cause } = coded;
      // It may still be at work on it: a moment's patience, then look.
      work.onRetry?.(attempt + 1);
      await pause(client.clock, client.pauseBefore(attempt + 1), work.signal);
      const there = await readList(list, work);
      if (there === undefined) {
        const blind = new CodedError(code, `${text}; whether it was carried out could not be read`, cause);
        if (outcome.applied.length + outcome.failed.length === 0) throw blind;
        outcome.failed.push(...failedAll(rest.map(idOf), blind));
        return outcome;
      }
      const missing: T[] = [];
      for (const item of rest) {
        const found = there.get(item.id);
        if (found === undefined) missing.push(item);
        else if (isSame(found, item)) outcome.applied.push(item.id);
        else outcome.failed.push(...failedAll([item.id], coded, 'the cloud has it with other content; '));
      }
      rest = missing;
      if (rest.length === 0) return outcome;
      // A page that is no answer of Sber's will be the same page again.
      const again = coded.code !== 'BAD_RESPONSE' && (coded.code !== 'SBER_TIMEOUT' || attempt === 1);
      if (attempt >= MOST_ATTEMPTS || !again) {
        if (outcome.applied.length + outcome.failed.length === 0) throw error;
        outcome.failed.push(...failedAll(rest.map(idOf), coded));
        return outcome;
      }
    }
  }
}

/** Whether nobody knows if the POST was carried out. Sber's own refusals are clear, and so is what never left. */
function isUnclear({ code, cause }: CodedError): boolean {
  switch (code) {
    case 'SBER_INTERNAL':
    case 'SBER_UNAVAILABLE':
    case 'SBER_UNREACHABLE':
    case 'SBER_TIMEOUT':
      return true;
    case 'BAD_RESPONSE':
      return cause.gatewayCode === undefined && (cause.httpStatus ?? 200) < 300;
    default:
      return false;
  }
}

/** What is there, by id; undefined where not even that can be read. */
async function readList(list: () => Promise<Raw[]>, work: Work): Promise<Map<string, Raw> | undefined> {
  try {
    return new Map((await list()).flatMap(withId));
  } catch (error) {
    if (!(error instanceof CodedError) || work.signal?.aborted) throw error;
    return undefined;
  }
}

function withId(raw: Raw): [string, Raw][] {
  const { id } = raw;
  return typeof id === 'string' ? [[id, raw]] : [];
}

function idOf({ id }: { id: string }): string {
  return id;
}

function itself(id: string): string {
  return id;
}
