-- What a month costs is what the provider charges and the markup together, and what its models cost together.
select customer, billing_period
from {{ ref('customer_spend') }}
where total_customer_charges <> total_provider_cost + total_gateway_revenue
  or total_customer_charges < (
    select coalesce(sum(value::numeric), 0)
    from jsonb_each_text(cost_by_model)
  )
