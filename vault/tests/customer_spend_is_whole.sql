-- The cost of a month is the sum of provider cost and markup, and the sum over its models.
select customer, billing_period
from {{ ref('customer_spend') }}
where total_customer_charges <> total_provider_cost + total_gateway_revenue
  or total_customer_charges < (
    select coalesce(sum(value::numeric), 0)
    from jsonb_each_text(cost_by_model)
  )
