-- Provider cost and markup of a line are the cost of its calls for the customer.
select customer, service_period, provider, model
from {{ ref('invoice_line') }}
where provider_cost + gateway_markup <> control_sum
