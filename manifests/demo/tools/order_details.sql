select p.name as product, i.quantity, i.cents, y.id as payment, y.state as payment_state,
       y.card_number
from order_items i
join products p on p.id = i.product_id
left join payments y on y.order_id = i.order_id
where i.order_id = :order
order by i.line
