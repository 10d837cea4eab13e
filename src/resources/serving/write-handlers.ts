import { invalidField, invalidParameter } from '../../http/faults.ts';
import { type Outcome, single } from '../../http/outcome.ts';
import type { ResourceModel } from '../declaration/model.ts';
import type { Columns } from '../declaration/resource.ts';
import type { EngineDeps } from '../engine-deps.ts';
import { present } from '../reading/present.ts';
import { writeResource } from '../writing/write-resource.ts';
import type { ControlRequest, Handler, RouteDeps } from './control-route.ts';
import { placeOf, viewOf } from './read-handlers.ts';

type Served = EngineDeps & RouteDeps;

/** `POST`, `PATCH`, `PUT` and `DELETE` of a resource. */
export const writeHandler =
  <Deps extends Served>(model: ResourceModel<Deps>, operation: 'create' | 'update' | 'replace' | 'delete') =>
  (deps: Deps): Handler =>
  async (request) => {
    const { query } = request;
    const body = (request.body ?? {}) as Columns;
    const { applied_from: in_body, ...input } = body;
    const given = operation === 'delete' ? query.applied_from : in_body;
    return write(deps, model, request, {
      operation,
      input: operation === 'delete' ? query : input,
      applied_from: appliedFrom(deps, model, given, operation === 'delete'),
      requires_version: requiresVersion(model, request, operation),
    });
  };

/** `POST …/{id}/{name}`. */
export const actionHandler =
  <Deps extends Served>(model: ResourceModel<Deps>, name: string) =>
  (deps: Deps): Handler =>
  async (request) =>
    write(deps, model, request, {
      operation: name,
      input: (request.body ?? {}) as Columns,
      applied_from: null,
      requires_version: false,
    });

interface WriteInput {
  readonly operation: string;
  readonly input: Columns;
  readonly applied_from: string | null;
  readonly requires_version: boolean;
}

const write = async <Deps extends Served>(
  deps: Deps,
  model: ResourceModel<Deps>,
  request: ControlRequest,
  input_of: WriteInput,
): Promise<Outcome> => {
  const is_dry_run = request.query.dry_run === true;
  if (is_dry_run) request.draft.isDryRun();
  const { shown, etag, is_new, reveals } = await writeResource(deps, model, {
    ...input_of,
    place: placeOf(model, request),
    if_match: headerOf(request, 'if-match'),
    creates_only: headerOf(request, 'if-none-match') === '*',
    is_dry_run,
    actor: request.caller.actor,
    events: request.draft,
  });
  const data = { ...present(model, shown, viewOf(model, request, {})), ...reveals };
  if (is_dry_run) return single(data, { meta: { dry_run: true } });
  const { resource } = model;
  const parent = resource.parent === undefined ? '' : request.params[resource.parent.param]!;
  const path = resource.path.replace(/:\w+/, encodeURIComponent(parent));
  const id = Object.values(shown.id).map((part) => `/${encodeURIComponent(part)}`);
  return single(data, {
    status: is_new ? 201 : 200,
    headers: {
      ...(etag === null ? {} : { etag }),
      ...(is_new ? { location: `/v1${path}${id.join('')}` } : {}),
    },
  });
};

const headerOf = ({ ctx }: ControlRequest, name: string): string | null => ctx.get(name) || null;

/** True if a change must name its version: below `/v1`, if the resource requires it. Root aliases have no versions. */
const requiresVersion = <Deps extends EngineDeps>(
  { resource }: ResourceModel<Deps>,
  { is_alias }: ControlRequest,
  operation: string,
): boolean => resource.requires_if_match === true && !is_alias && (operation === 'update' || operation === 'replace');

/** Start of a new state; null: now. Earlier states were used already, so they stay unchanged. */
const appliedFrom = <Deps extends Served>(
  { clock }: Deps,
  { resource }: ResourceModel<Deps>,
  given: unknown,
  is_query: boolean,
): string | null => {
  if (resource.effective_dated !== 'written' || given === undefined || given === null) return null;
  const instant = String(given);
  if (Date.parse(instant) >= clock.now()) return instant;
  const rule = 'applied_from has passed, and what happened since then is settled: leave it out for now.';
  throw is_query ? invalidParameter('applied_from', 'past', rule) : invalidField('applied_from', 'past', rule);
};
