import assert from 'node:assert/strict';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { dataOf, errorOf } from '../../support/http.ts';

const CHAT = { model: 'gpt-4o-mini', max_tokens: 100, messages: [{ role: 'user', content: 'Hello' }] };

describe('PATCH /customers/{slug}', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  const change = (slug: string, fields: object) => gateway.admin('PATCH', `/customers/${slug}`, fields);

  it('changes the given fields and keeps the others, with the earlier state in the history and the event', async () => {
    const terms = {
      cost_budget_monthly: '12.5',
      markup_basis_points: 1_500,
      preferred_providers: ['openai'],
    };
    await gateway.newCustomer({ slug: 'acme', ...terms });
    const before = dataOf<object>(await gateway.admin('GET', '/customers/acme'));
    const fields = { cost_budget_monthly: 250, name: 'Acme', preferred_providers: null };
    const changed = await change('acme', fields);
    assert.equal(changed.status, 200);
    assert.deepEqual(dataOf(changed), { ...before, ...fields, cost_budget_monthly: '250' });
    const states = await gateway.database.sql<{ cost_budget_monthly: string }[]>`
      select s.cost_budget_monthly
      from gateway.customer_config_s_history s
      join gateway.customer_h h using (customer_hk)
      where h.customer_bk = 'acme'
      order by s.applied_date`;
    assert.deepEqual(
      states.map(({ cost_budget_monthly }) => cost_budget_monthly),
      ['12500000000000', '250000000000000'],
    );
    const [event] = await gateway.database.sql<{ before: Terms; after: Terms }[]>`
      select s.before, s.after
      from audit.audit_event_s_current s
      where s.action = 'customer.change'
        and s.subject = 'acme'
        and s.outcome = 'succeeded'`;
    assert.equal(event!.before.cost_budget_monthly, '12500000000000');
    assert.equal(event!.after.cost_budget_monthly, '250000000000000');
    assert.equal(event!.after.markup_basis_points, 1_500);
  });

  it('applies to the next call: a raised budget, a suspended customer and a readmitted one', async () => {
    const { key } = await gateway.newCustomer({ slug: 'small', cost_budget_monthly: '0.000001' });
    assert.equal((await gateway.chat(CHAT, key)).status, 402);
    await change('small', { cost_budget_monthly: '10' });
    assert.equal((await gateway.chat(CHAT, key)).status, 200);
    await change('small', { status: 'SUSPENDED' });
    const refused = await gateway.chat(CHAT, key);
    assert.deepEqual([refused.status, errorOf(refused).code], [403, 'forbidden']);
    await change('small', { status: 'ACTIVE' });
    assert.equal((await gateway.chat(CHAT, key)).status, 200);
  });

  it('writes nothing if nothing changes', async () => {
    await gateway.newCustomer({ slug: 'same', cost_budget_daily: 5 });
    const count = () => gateway.database.sql`select count(*) from gateway.customer_config_s`;
    const before = await count();
    assert.equal((await change('same', { cost_budget_daily: '5.00' })).status, 200);
    assert.deepEqual(await count(), before);
  });

  it('applies each of many concurrent changes', async () => {
    await gateway.newCustomer({ slug: 'busy' });
    const changes = [
      { cost_budget_daily: '1' },
      { cost_budget_monthly: '2' },
      { markup_basis_points: 3 },
      { unpriced_policy: 'allow' },
    ];
    await Promise.all(changes.map((fields) => change('busy', fields)));
    const busy = dataOf<object>(await gateway.admin('GET', '/customers/busy'));
    for (const fields of changes) assert.deepEqual({ ...busy, ...fields }, busy);
  });

  it('refuses invalid changes by name, and unknown customers', async () => {
    for (const fields of [{}, { slug: 'x' }, { tenant: 'demo' }, { status: 'GONE' }, { cost_budget_daily: -1 }, []]) {
      assert.equal((await change('acme', fields)).status, 422, JSON.stringify(fields));
    }
    for (const slug of ['nobody', 'unknown', 'a%00b', '%F0%9F%92%A9']) {
      assert.equal((await change(slug, { name: 'x' })).status, 404, slug);
    }
  });
});

interface Terms {
  readonly cost_budget_monthly: string;
  readonly markup_basis_points: number;
}
