-- Models that belong to a job read the macro and not this view: another job may replace the view while they run.
select *
from {{ known_calls("'-infinity'::timestamptz") }} call
