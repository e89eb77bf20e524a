# Where the load balancer counts the requests of each build; canary.sh reads them there.

output "release_metrics" {
  description = "Under which names the stable build and the canary are counted."
  value = {
    region        = var.region
    load_balancer = aws_lb.main.arn_suffix
    tracks        = { for track, group in aws_lb_target_group.release : track => group.arn_suffix }
  }
}
