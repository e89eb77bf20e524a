# The one public door. With a certificate HTTPS answers and HTTP only redirects.
# Without one (a learner's first day, no domain yet) HTTP answers, and
# variables.tf then refuses both prod and an open allowed_cidrs.

locals {
  own_certificate = var.certificate_id == null ? {} : { https = var.certificate_id }
}

resource "google_compute_global_address" "door" {
  name       = "${local.name}-door"
  depends_on = [google_project_service.main]
}

resource "google_compute_region_network_endpoint_group" "app" {
  name                  = local.name
  region                = var.region
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = google_cloud_run_v2_service.app.name
  }
}

resource "google_compute_backend_service" "app" {
  name                  = local.name
  protocol              = "HTTPS"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  security_policy       = google_compute_security_policy.door.id

  backend {
    group = google_compute_region_network_endpoint_group.app.id
  }

  log_config {
    enable      = true
    sample_rate = 1
  }
}

resource "google_compute_url_map" "app" {
  name            = local.name
  default_service = google_compute_backend_service.app.id
}

resource "google_compute_url_map" "redirect" {
  for_each = local.own_certificate

  name = "${local.name}-redirect"

  default_url_redirect {
    https_redirect         = true
    redirect_response_code = "MOVED_PERMANENTLY_DEFAULT"
    strip_query            = false
  }
}

resource "google_compute_target_http_proxy" "http" {
  name    = "${local.name}-http"
  url_map = var.certificate_id == null ? google_compute_url_map.app.id : google_compute_url_map.redirect["https"].id
}

resource "google_compute_global_forwarding_rule" "http" {
  name                  = "${local.name}-http"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.door.id
  port_range            = "80"
  target                = google_compute_target_http_proxy.http.id
}

resource "google_compute_ssl_policy" "modern" {
  for_each = local.own_certificate

  name            = local.name
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"
  depends_on      = [google_project_service.main]
}

resource "google_compute_target_https_proxy" "https" {
  for_each = local.own_certificate

  name             = "${local.name}-https"
  url_map          = google_compute_url_map.app.id
  ssl_certificates = [each.value]
  ssl_policy       = google_compute_ssl_policy.modern[each.key].id
}

resource "google_compute_global_forwarding_rule" "https" {
  for_each = local.own_certificate

  name                  = "${local.name}-https"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.door.id
  port_range            = "443"
  target                = google_compute_target_https_proxy.https[each.key].id
}
