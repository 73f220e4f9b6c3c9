#!/bin/sh
# `make demo` and `make demo-down`: bring the demonstration of examples/demo.yaml up, or take it away with all its data.
# Needs the AWS CLI, and an account in the environment. Up takes about 20 minutes, mostly the databases' start.
set -eu
cd "$(dirname "$0")/.."
stack=rental-pipeline-demo
case "${1:-}" in
    up | down) ;;
    *) echo "usage: examples/demo.sh up | down" >&2; exit 2 ;;
esac
command -v aws >/dev/null || { echo "the AWS CLI is missing: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html" >&2; exit 2; }
region="${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || true)}}"
test -n "$region" || { echo "which region? set AWS_REGION" >&2; exit 2; }
aws sts get-caller-identity --region "$region" >/dev/null ||
    { echo "this needs an AWS account: log in (aws sso login, or aws configure), then run it again" >&2; exit 2; }

output() {
    aws cloudformation describe-stacks --region "$region" --stack-name "$stack" --output text \
        --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue"
}

up() {
    # Redshift Serverless wants subnets in three zones, and some accounts see two of a region.
    zones="$(aws ec2 describe-availability-zones --region "$region" --filters Name=zone-type,Values=availability-zone \
        --query 'length(AvailabilityZones)' --output text)"
    test "$zones" -ge 3 || { echo "$region shows this account $zones availability zones, and the demonstration needs three: choose another (AWS_REGION)" >&2; exit 2; }
    # The authorities of RDS in this region, by which the functions know the database.
    curl --fail --silent --show-error --output examples/sample_data/rds-bundle.pem \
        "https://truststore.pki.rds.amazonaws.com/$region/$region-bundle.pem"
    # The demonstration deploys for x86_64.
    PATH="$PWD/.venv/bin:$PATH" ARCHITECTURE=x86_64 .venv/bin/sam build --template examples/demo.yaml --build-dir .aws-sam/demo
    .venv/bin/sam deploy --template-file .aws-sam/demo/template.yaml --stack-name "$stack" --region "$region" --resolve-s3 \
        --s3-prefix "$stack" --capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND --no-confirm-changeset --no-fail-on-empty-changeset \
        --parameter-overrides "NotificationEmail=${EMAIL:-}"
    # It fills the source for minutes. The CLI would take it for lost after 60 seconds, and invoke it again beside itself.
    AWS_MAX_ATTEMPTS=1 aws lambda invoke --region "$region" --function-name "$(output SampleDataFunctionName)" --cli-read-timeout 910 \
        --cli-binary-format raw-in-base64-out --payload '{"scale": 1, "seed": 1}' .aws-sam/demo/filled.json > .aws-sam/demo/invoked.json
    cat .aws-sam/demo/filled.json; echo
    ! grep -q FunctionError .aws-sam/demo/invoked.json || { echo "the source was not filled; run make demo again" >&2; exit 1; }
    aws stepfunctions start-execution --region "$region" --state-machine-arn "$(output RunStateMachineArn)" --input '{}' > /dev/null
    echo "The first run has begun: $(output RunConsole)"
    echo "The metrics are in the schema apartments_presentation; Redshift's query editor shows them. make demo-down removes everything."
}

down() {
    bucket="$(output BucketName)"
    .venv/bin/sam delete --stack-name "$stack" --region "$region" --s3-prefix "$stack" --no-prompts
    # The pipeline keeps its bucket when its stack goes; a demonstration's is not needed any more.
    aws s3 rb "s3://$bucket" --region "$region" --force
}

"$1"
