# The cluster: EKS in Auto Mode, in which AWS looks after the nodes, their disks
# and the load balancers, and adds and takes away nodes as the pods need them.
# What runs in it is deploy/.

locals {
  # Pods are in the cluster's own group; Auto Mode's load balancers look for these tags.
  service_group = aws_eks_cluster.main.vpc_config[0].cluster_security_group_id

  subnet_tags = {
    public  = { "kubernetes.io/role/elb" = "1" }
    private = { "kubernetes.io/role/internal-elb" = "1" }
  }

  # The service's alarms are Prometheus's (monitoring/).
  service_alarms = {}
}

# Who changed what, and who logged in. It must be there first, or EKS makes one that keeps everything for ever.
resource "aws_cloudwatch_log_group" "app" {
  name              = "/aws/eks/${local.name}/cluster"
  retention_in_days = local.tier.log_days
}

resource "aws_eks_cluster" "main" {
  name                          = local.name
  role_arn                      = aws_iam_role.cluster.arn
  bootstrap_self_managed_addons = false
  enabled_cluster_log_types     = ["audit", "authenticator"]

  # Who may administer it is written in AWS, not in the cluster; it starts with whoever applies this.
  access_config {
    authentication_mode                         = "API"
    bootstrap_cluster_creator_admin_permissions = true
  }

  vpc_config {
    subnet_ids              = aws_subnet.private[*].id
    endpoint_private_access = true
    endpoint_public_access  = true # for your kubectl, from allowed_cidrs only
    public_access_cidrs     = var.allowed_cidrs
  }

  compute_config {
    enabled       = true
    node_pools    = ["general-purpose", "system"]
    node_role_arn = aws_iam_role.node.arn
  }

  kubernetes_network_config {
    elastic_load_balancing {
      enabled = true
    }
  }

  storage_config {
    block_storage {
      enabled = true
    }
  }

  # When a version leaves standard support, AWS updates it instead of billing six times the price.
  upgrade_policy {
    support_type = "STANDARD"
  }

  depends_on = [aws_iam_role_policy_attachment.cluster, aws_iam_role_policy_attachment.node, aws_cloudwatch_log_group.app]
}
