-- Provider cost and markup of a line are what its calls say that the customer pays.
select customer, service_period, provider, model
from {{ ref('invoice_line') }}
where provider_cost + gateway_markup <> control_sum
