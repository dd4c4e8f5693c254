/** Bringing the cloud's models to a wanted list: the plan that leads there, and carrying it out. */
import { invalidInput } from '../common/errors';
import { newModels, otherModels, sendAll, unwantedModels } from './changes';
import type { SberClient } from './client';
import { inPortions, type YieldLoop } from './items';
import type { Model, Raw, SyncOutcome } from './shapes';
import { meansSame } from './validation';

export interface Plan {
  create: Model[];
  update: Model[];
  delete: string[];
  unchanged: string[];
}

/** On a dry run, says what it would do. @throws also INVALID_INPUT */
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
  const plan = await planOf(await client.listModels(), models, deleteMissing, client.yieldLoop);
  return isDry ? foretold(plan) : carryOut(client, plan);
}

/** What has to be done so that the cloud has `wanted`. Models that it has besides are deleted only if `deleteMissing`. */
export async function planOf(
  current: readonly Raw[],
  wanted: readonly Model[],
  deleteMissing: boolean,
  yieldLoop: YieldLoop,
): Promise<Plan> {
  const others = new Map(current.flatMap((raw) => (typeof raw.id === 'string' ? [[raw.id, raw]] : [])));
  const plan: Plan = { create: [], update: [], delete: [], unchanged: [] };
  for await (const model of inPortions(wanted, yieldLoop)) {
    const raw = others.get(model.id);
    others.delete(model.id);
    if (raw === undefined) plan.create.push(model);
    else if (meansSame(raw, model)) plan.unchanged.push(model.id);
    else plan.update.push(model);
  }
  if (deleteMissing) plan.delete = [...others.keys()];
  return plan;
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

/** What is new, what changed, then what goes. */
export async function carryOut(
  client: SberClient,
  { create, update, delete: gone, unchanged }: Plan,
): Promise<SyncOutcome> {
  const changes = [newModels(create), otherModels(update), unwantedModels(gone)];
  const outcomes = await sendAll(client, changes, unchanged.length);
  const [created = [], updated = [], deleted = []] = outcomes.map(({ applied }) => applied);
  return { created, updated, deleted, unchanged, failed: outcomes.flatMap(({ failed }) => failed) };
}
