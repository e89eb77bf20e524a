# Who may do what, each with only what it needs:
#   task     is the application: reads the documents; model.tf adds the named Bedrock models
#   publish  is GitHub on the main branch: pushes images, nothing else
# What only starts or restarts the service stands with its use.

locals {
  # AWS offers no resource for this one action; it only hands out a login token.
  registry_login = { Effect = "Allow", Action = ["ecr:GetAuthorizationToken"], Resource = ["*"] }
}

resource "aws_iam_role" "task" {
  name               = "${local.name}-task"
  assume_role_policy = local.task_trust
}

resource "aws_iam_role_policy" "documents" {
  name = "read-documents"
  role = aws_iam_role.task.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = ["s3:ListBucket"], Resource = [aws_s3_bucket.documents.arn] },
      { Effect = "Allow", Action = ["s3:GetObject"], Resource = ["${aws_s3_bucket.documents.arn}/*"] }, # "/*" = the files of this one bucket
    ]
  })
}

# GitHub proves who it is with a short-lived token, so no AWS key is stored there.
# The provider itself exists once for each account: infra/README.md creates it.
resource "aws_iam_role" "publish" {
  name = "${local.name}-publish"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = "arn:aws:iam::${local.account_id}:oidc-provider/token.actions.githubusercontent.com" }
      Condition = {
        StringEquals = {
          "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
          "token.actions.githubusercontent.com:sub" = "repo:${var.repository}:ref:refs/heads/main"
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "publish" {
  name = "push-images"
  role = aws_iam_role.publish.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      local.registry_login,
      {
        Effect = "Allow"
        Action = [
          "ecr:BatchCheckLayerAvailability",
          "ecr:BatchGetImage",
          "ecr:CompleteLayerUpload",
          "ecr:InitiateLayerUpload",
          "ecr:PutImage",
          "ecr:UploadLayerPart",
        ]
        Resource = [aws_ecr_repository.app.arn]
      },
    ]
  })
}
