import type { Resource } from '../../../src/resources/declaration/resource.ts';

/** The whole of a new resource besides its schemas and its migration. */
export const offices: Resource = {
  kind: 'office',
  summary: 'An office of a customer.',
  path: '/offices',
  entity: 'office_h',
  id: 'slug',
  scope: 'customer',
  satellites: ['office_s'],
  references: { customer: { hub: 'customer_h', link: 'office_customer_l' } },
  fields: {
    title: { write: 'always', is_free_text: true },
    office_status: { write: 'patch', default: 'OPEN', narrow: { enum: ['OPEN', 'MOVING'] } },
    desks: 'always',
    rent: { write: 'always', default: '0' },
    has_lift: { write: 'always', default: false },
    floor_plan: { write: 'always', default: {} },
    languages: { write: 'always', default: [] },
    built_on: 'always',
    opened_at: 'create',
    door_code: 'always',
    caretaker: 'always',
    created_at: { fact: 'created_at' },
  },
  filters: ['slug', 'customer', 'office_status', 'desks', 'rent', 'has_lift', 'languages', 'built_on', 'opened_at'],
  sorts: ['title', 'desks', 'rent', 'opened_at'],
  end: { columns: { office_status: 'CLOSED' }, is_final: true },
  requires_if_match: true,
  actions: {
    empty: {
      summary: 'Take all desks out',
      run: (_deps, { columns }) => {
        columns.desks = 0;
      },
    },
  },
};
