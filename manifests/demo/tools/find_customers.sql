-- An argument that is not given is null.
select id, name, email, plan, country
from customers
where (:country is null or country = :country)
  and (:plan is null or plan = :plan)
  and id > coalesce(:after, 0)
order by id
limit 20
