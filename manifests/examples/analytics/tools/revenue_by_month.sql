select strftime('%m', placed) as month, country, channel, count(*) as orders, sum(cents) as cents
from orders
where strftime('%Y', placed) = cast(:year as text)
group by 1, 2, 3
order by 1, 2, 3
