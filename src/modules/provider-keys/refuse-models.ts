import type { CustomModel, Snapshot } from '../../catalog/snapshot.ts';
import { invalidField } from '../../http/faults.ts';

/** The models of a key: those of the catalog that it pays for, and the customer's own. */
export interface KeyModels {
  readonly allowed_models: readonly string[] | null;
  readonly own_models: readonly CustomModel[];
}

/** Names of a customer's custom models, except those of one key. */
export const customNames = (snapshot: Snapshot, customer: string, except: string): ReadonlySet<string> =>
  new Set(
    (snapshot.provider_keys.get(customer) ?? [])
      .filter(({ provider_key }) => provider_key !== except)
      .flatMap((key) => key.own_models.map(({ model }) => model)),
  );

/**
 * Refuses models that no call could use: models that the provider does not have, and custom models with a duplicate
 * name or without a base model.
 * @param taken names of the customer's other custom models
 * @throws OneVaultError validation_error
 */
export const refuseModels = (
  snapshot: Snapshot,
  provider: string,
  { allowed_models, own_models }: KeyModels,
  taken: ReadonlySet<string>,
): void => {
  const hasDeployment = (model: string): boolean =>
    snapshot.models.get(model)?.deployments.some((deployment) => deployment.provider === provider) === true;
  for (const [index, model] of (allowed_models ?? []).entries()) {
    if (hasDeployment(model)) continue;
    const message = `${provider} does not serve ${model}; GET /v1/models lists the available models.`;
    throw invalidField(`allowed_models[${index}]`, 'unknown_reference', message);
  }
  const seen = new Set(taken);
  for (const [index, { model, like }] of own_models.entries()) {
    if ((snapshot.models.get(like)?.deployments.length ?? 0) === 0) {
      const message = `There is no model ${like}; GET /v1/models lists what there is.`;
      throw invalidField(`custom_models[${index}].base_model`, 'unknown_reference', message);
    }
    if (snapshot.models.has(model) || seen.has(model)) {
      const message = `${model} is the name of another model already: choose one of your own.`;
      throw invalidField(`custom_models[${index}].model`, 'taken', message);
    }
    seen.add(model);
  }
};
