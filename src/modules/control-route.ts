import type { Outcome } from '../http/outcome.ts';
import type { ControlRoute, RequestOf } from '../resources/serving/control-route.ts';
import type { ControlDeps } from './deps.ts';

type Contract = Omit<ControlRoute<ControlDeps>, 'serve'>;

/**
 * A route that is no resource's. Its handler gets path, query and body with the types of the contract, which is what
 * they were validated against.
 */
export const controlRoute = <const C extends Contract>(
  contract: C,
  serve: (deps: ControlDeps) => (request: RequestOf<C>) => Promise<Outcome> | Outcome,
): ControlRoute<ControlDeps> => ({ ...contract, serve: serve as ControlRoute<ControlDeps>['serve'] });
