-- Split cost allocation: each pod's part of its node, CPU and memory apart.  Split + unused of all
-- pods is exactly the node's amortised cost: what is idle is cut at rounded marks, equal parts a
-- pod.
-- What a row costs once commitments are spread (before and after the discount).
create or replace macro effective(line_type, cost, sp_eff, ri_amortized, ri_recurring) as
    case line_type
        when 'SavingsPlanCoveredUsage' then sp_eff
        when 'DiscountedUsage' then ri_amortized + ri_recurring
        else cost
    end;

create or replace macro cut_idle(idle, pod_no, pods) as
    (round(idle::double * (pod_no + 1) / pods, 10)::decimal(18, 10)
        - round(idle::double * pod_no / pods, 10)::decimal(18, 10))::decimal(18, 10);

insert into bill by name
with node as (
    select
        b.resource_id,
        b.time_start,
        b.time_end,
        any_value(b.account_id) as account_id,
        any_value(b.region_code) as region_code,
        any_value(b.category) as category,
        any_value(b.attributes['vcpu'])::int as vcpu,
        any_value(replace(b.attributes['memory'], ' GiB', ''))::int as memory_gib,
        sum(effective(line_type, cost, sp_eff, ri_amortized, ri_recurring))::decimal(18, 10)
            as cost,
        sum(effective(line_type, net, sp_net_eff, ri_net_amortized, ri_net_recurring))
            ::decimal(18, 10) as net,
        sum(list_cost)::decimal(18, 10) as list_cost,
        sum(b.qty) as hours
    from bill b
    join cluster c on c.instance_type = b.instance_type and c.region = b.region_code
    join account a on a.alias = c.account and a.id = b.account_id
    where b.resource_id like 'i-%' and b.family = 'Compute Instance'
    group by b.resource_id, b.time_start, b.time_end
    qualify row_number() over (partition by b.time_start order by b.resource_id)
        <= (select nodes from cluster)
),
pod as (
    select
        n.*,
        c.name as cluster,
        c.pods_per_node,
        c.cpu_share,
        p.pod_no,
        k.kind,
        -- a pod's use moves slowly with the day; all pods of a node stay below 0.93
        round(0.93 / c.pods_per_node * (0.55 + 0.45 * draw(
            concat_ws('/', 'pod', n.resource_id, p.pod_no, k.kind, n.time_start))), 4)
            ::decimal(6, 4) as ratio,
        1 + (draw('workload/' || n.resource_id || p.pod_no) * 997)::int
            % (select count(*) from workload) as workload_no
    from node n
    cross join cluster c
    cross join (select unnest(range(c2.pods_per_node))::int as pod_no from cluster c2) p
    cross join (select unnest(['vCPU', 'GB']) as kind) k
),
carved as (
    -- …_part: this kind's part of the node; memory is the rest after CPU, so both add up
    select
        *,
        if(kind = 'vCPU', round(cost * cpu_share, 10), cost - round(cost * cpu_share, 10))
            ::decimal(18, 10) as cost_part,
        if(kind = 'vCPU', round(net * cpu_share, 10), net - round(net * cpu_share, 10))
            ::decimal(18, 10) as net_part,
        if(kind = 'vCPU', round(list_cost * cpu_share, 10),
            list_cost - round(list_cost * cpu_share, 10))::decimal(18, 10) as list_part
    from pod
),
split as (
    select
        *,
        round(cost_part * ratio, 10)::decimal(18, 10) as split_cost,
        round(net_part * ratio, 10)::decimal(18, 10) as split_net,
        round(list_part * ratio, 10)::decimal(18, 10) as split_list
    from carved
),
allocated as (
    select
        *,
        cost_part - sum(split_cost) over w as cost_idle,
        net_part - sum(split_net) over w as net_idle,
        list_part - sum(split_list) over w as list_idle
    from split
    window w as (partition by resource_id, time_start, kind)
)

select
    concat_ws('/', '9', strftime(x.time_start, '%d'), x.resource_id, x.pod_no, x.kind) as line_key,
    'Usage' as line_type,
    x.account_id,
    x.time_start,
    x.time_end,
    'Anniversary' as bill_type,
    'AmazonEKS' as product_code,
    'Amazon Elastic Container Service for Kubernetes' as product_name,
    'AmazonEKS' as servicecode,
    'EKS' as family,
    (select new from region where code = x.region_code) || 'EKS-EC2-' || kind || '-Hours'
        as usage_type,
    'EKSPod-EC2' as operation,
    kind || '-Hours' as unit,
    x.region_code,
    concat('arn:aws:eks:', x.region_code, ':', x.account_id, ':pod/', cluster, '/', k.namespace,
        '/', k.workload, '-', left(md5(x.resource_id), 9), '-', x.pod_no, '/',
        md5(x.resource_id || x.pod_no)) as resource_id,
    round(hours * ratio * if(kind = 'vCPU', vcpu, memory_gib), 4)::decimal(18, 8) as qty,
    0 as rate,
    0 as cost,
    0 as discount,
    0 as net,
    k.workload || ' ' || kind || ' hours on ' || x.resource_id as text,
    map {'product_name': 'Amazon Elastic Container Service for Kubernetes',
        'region': x.region_code} as attributes,
    map {
        'aws_eks_cluster_name': cluster, 'aws_eks_namespace': k.namespace,
        'aws_eks_workload_name': k.workload, 'aws_eks_workload_type': 'Deployment',
        'aws_eks_node': x.resource_id, 'user_team': t.spellings[1]
    } as tags,
    x.category,
    x.resource_id as split_parent,
    qty::double as split_usage,
    round(qty::double * (0.85 + 0.15 * ratio), 4) as split_actual,
    qty::double as split_reserved,
    ratio::double as split_ratio,
    split_cost,
    cut_idle(cost_idle, x.pod_no, pods_per_node) as split_unused,
    split_net,
    cut_idle(net_idle, x.pod_no, pods_per_node) as split_net_unused,
    split_list,
    cut_idle(list_idle, x.pod_no, pods_per_node) as split_list_unused,
    false as discountable
from allocated x
join workload k on k.workload_no = x.workload_no
join team t on t.name = k.team;
