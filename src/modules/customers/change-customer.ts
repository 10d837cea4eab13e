import { refuseEmail } from '../../resources/writing/refuse-email.ts';
import { lockName, save, stampAfter } from '../../resources/writing/save.ts';
import type { ContextHandler } from '../context-handler.ts';
import type { ControlDeps } from '../deps.ts';
import { type CustomerConfig, type CustomerTerms, configOf, findCustomer, tellableConfig } from './customers.ts';

type CustomerChange = CustomerTerms & { readonly status?: CustomerConfig['customer_status'] };

/**
 * `PATCH /customers/{slug}`: what is given holds from now on, null where it may be empty; the rest stays (RFC 7396).
 * Gateways know within a second. What is the case already is no change.
 */
export const changeCustomer = (deps: ControlDeps): ContextHandler => {
  return async (ctx, draft) => {
    const slug = ctx.params.slug as string;
    draft.about(slug);
    const change = ctx.state.body as CustomerChange;
    refuseEmail('name', change.name ?? '');
    await findCustomer(deps, slug);
    const customer_hk = deps.rows.hubKey('customer_h', { customer_bk: slug });
    await save(deps, async (stamp, tx) => {
      await lockName(tx, `customer/${slug}`);
      const [held] = await deps.reader.current(tx, 'customer_config_s', { hash_keys: [customer_hk] });
      const { customer_hk: _hk, load_date, applied_date, hash_diff, record_source, ...before } = held!;
      const later = stampAfter(stamp, held!);
      const config = changed(before, slug, change);
      if (deps.rows.diff('customer_config_s', config) === hash_diff) return null;
      draft.shows([slug]);
      return {
        rows: [deps.rows.satellite('customer_config_s', customer_hk, config, later)],
        events: [draft.change(tellableConfig(before), tellableConfig(config))],
      };
    });
    draft.shows([slug]);
    ctx.body = await findCustomer(deps, slug);
  };
};

/** The columns by the fields that say them, where the two differ. */
const COLUMNS: Readonly<Record<string, keyof CustomerConfig>> = {
  name: 'customer_name',
  status: 'customer_status',
};

const changed = (before: CustomerConfig, slug: string, change: CustomerChange): CustomerConfig => {
  const said: CustomerConfig = {
    ...configOf({ ...change, slug }),
    customer_status: change.status ?? before.customer_status,
  };
  const columns = Object.keys(change).map((field) => COLUMNS[field] ?? (field as keyof CustomerConfig));
  return { ...before, ...Object.fromEntries(columns.map((column) => [column, said[column]])) };
};
