#!/usr/bin/env bash
# Builds the image of the load tests, pushes it to Amazon ECR and, if asked to, restarts the deployments that use it.
set -euo pipefail

readonly repository=dynaclaimz/locust
readonly namespace=load-testing
readonly deployments=(locust-master locust-worker)
folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$folder")
readonly folder root

usage() {
  cat <<END
Usage: ./build-and-push.sh [REGION] [ACCOUNT] [--restart] [--platform PLATFORM] [--dry-run]

Builds the load tests' image, tags it \`latest\` and with the short git commit, and pushes both to the ECR repository
$repository.

  REGION               AWS region [\$AWS_REGION, else \$AWS_DEFAULT_REGION, else us-east-1]
  ACCOUNT              AWS account, 12 digits [asked from AWS: whose credentials are in use]
  --restart            then restart the deployments of the namespace $namespace and wait for them;
                       whether kubectl reaches them is checked before anything is built
  --platform PLATFORM  linux/amd64 or linux/arm64 [linux/amd64]
  --dry-run            print every command that would be run, run none
  --help               show this

Examples:
  ./build-and-push.sh
  ./build-and-push.sh us-west-2
  ./build-and-push.sh us-east-1 --restart
  ./build-and-push.sh us-east-1 446130280781 --restart

Colours are used on a terminal only, and not when NO_COLOR is set. Exit codes: 0 done, 1 failed, 2 wrong call.
END
}

bold='' green='' yellow='' red='' plain=''
if [[ -t 1 && -t 2 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
  bold=$'\e[1m' green=$'\e[32m' yellow=$'\e[33m' red=$'\e[31m' plain=$'\e[0m'
fi

step() { printf '%s==> %s%s\n' "$bold" "$*" "$plain"; }
fine() { printf '%s%s%s\n' "$green" "$*" "$plain"; }
warn() { printf '%swarning: %s%s\n' "$yellow" "$*" "$plain" >&2; }
# fail TEXT [HINT]
fail() {
  printf '%serror: %s%s\n' "$red" "$1" "$plain" >&2
  [[ -z ${2:-} ]] || printf 'hint: %s\n' "$2" >&2
  exit 1
}
misused() {
  printf '%serror: %s%s\n' "$red" "$1" "$plain" >&2
  printf 'hint: %s\n' "./build-and-push.sh --help shows how to call it" >&2
  exit 2
}

# Runs a command, or only prints it.
run() {
  if [[ $dry_run == yes ]]; then
    printf '+ %s\n' "$*"
  else
    "$@"
  fi
}

# needed PROGRAM HINT
needed() {
  command -v "$1" >/dev/null 2>&1 || fail "$1 is not installed, or not on the PATH" "$2"
}

restart=no dry_run=no platform=linux/amd64
positional=()
while (($# > 0)); do
  case $1 in
    --help | -h) usage && exit 0 ;;
    --restart) restart=yes ;;
    --dry-run) dry_run=yes ;;
    --platform)
      (($# > 1)) || misused "--platform needs a value: linux/amd64 or linux/arm64"
      platform=$2
      shift
      ;;
    --platform=*) platform=${1#*=} ;;
    -*) misused "unknown option $1" ;;
    *) positional+=("$1") ;;
  esac
  shift
done
((${#positional[@]} <= 2)) || misused "too many arguments: ${positional[*]} (a region and an account at most)"
region=${positional[0]:-${AWS_REGION:-${AWS_DEFAULT_REGION:-us-east-1}}}
account=${positional[1]:-}
[[ $region =~ ^[a-z]{2}(-[a-z]+)+-[0-9]+$ ]] || misused "REGION is \`$region\`, must be like us-east-1; it comes before ACCOUNT"
[[ -z $account || $account =~ ^[0-9]{12}$ ]] || misused "ACCOUNT is \`$account\`, must be 12 digits"
[[ $platform == linux/amd64 || $platform == linux/arm64 ]] ||
  misused "--platform is \`$platform\`, must be linux/amd64 or linux/arm64"

check_programs() {
  needed git "install git: images are tagged with the commit they are built from"
  needed aws "install the AWS command line, version 1.17 or later"
  needed docker "install Docker, or podman with its docker command"
  docker info >/dev/null 2>&1 || fail "docker does not answer" "start the Docker daemon, or check your rights to use it"
  [[ $restart == yes ]] || return 0
  needed kubectl "install kubectl, or leave --restart out"
  kubectl get deployment "${deployments[@]}" -n "$namespace" >/dev/null ||
    fail "kubectl does not find ${deployments[*]} in the namespace $namespace" \
      "check \`kubectl config current-context\`, apply deploy/k8s, or leave --restart out"
}

find_account() {
  account=$(aws sts get-caller-identity --query Account --output text --region "$region") ||
    fail "AWS does not say which account this is" "sign in (aws configure, aws sso login), or give the account: ./build-and-push.sh $region ACCOUNT"
  [[ $account =~ ^[0-9]{12}$ ]] || fail "AWS named the account \`$account\`, which is not 12 digits"
}

# The short commit; with changes that are not committed it says so, for nobody else could build the same.
find_revision() {
  revision=$(git -C "$root" rev-parse --short HEAD) || fail "$root is no git repository with a commit" "tags need one"
  if [[ -n $(git -C "$root" status --porcelain --untracked-files=no) ]]; then
    revision+=-dirty
    warn "there are changes that are not committed: the tag is $revision"
  fi
}

sign_in() {
  if [[ $dry_run == yes ]]; then
    printf '+ %s\n' "aws ecr get-login-password --region $region | docker login --username AWS --password-stdin $registry"
    return
  fi
  # Two steps instead of a pipe: a failure of the first must not end as a strange one of the second.
  local password
  password=$(aws ecr get-login-password --region "$region") ||
    fail "AWS gives no password for ECR" "the role needs ecr:GetAuthorizationToken"
  docker login --username AWS --password-stdin "$registry" <<<"$password" || fail "docker cannot sign in to $registry"
}

# Before the long build, not after it.
check_repository() {
  run aws ecr describe-repositories --region "$region" --registry-id "$account" --repository-names "$repository" \
    --query 'repositories[].repositoryUri' --output text ||
    fail "there is no repository $repository in $registry" \
      "aws ecr create-repository --region $region --repository-name $repository"
}

find_revision
if [[ $dry_run == yes ]]; then
  account=${account:-ACCOUNT}
else
  check_programs
  [[ -n $account ]] || find_account
fi
registry=$account.dkr.ecr.$region.amazonaws.com
[[ $region != cn-* ]] || registry+=.cn
image=$registry/$repository

step "Signing in to $registry"
sign_in
check_repository

step "Building $image:$revision for $platform"
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$root/Cargo.toml")
run docker build --platform "$platform" --file "$folder/Dockerfile" \
  --build-arg "VERSION=$version" --build-arg "REVISION=$revision" --build-arg "CREATED=$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
  --tag "$image:latest" --tag "$image:$revision" "$root" || fail "the image was not built"

for tag in "$revision" latest; do
  step "Pushing $image:$tag"
  run docker push "$image:$tag" || fail "$image:$tag was not pushed"
done

if [[ $restart == yes ]]; then
  step "Restarting the deployments of $namespace"
  run kubectl rollout restart deployment -n "$namespace" || fail "the deployments were not restarted; the image is pushed"
  for deployment in "${deployments[@]}"; do
    run kubectl rollout status "deployment/$deployment" -n "$namespace" --timeout=5m ||
      fail "deployment/$deployment is not up with the new image" \
        "kubectl get pods -n $namespace; kubectl describe deployment/$deployment -n $namespace"
  done
fi

if [[ $dry_run == yes ]]; then
  fine "Nothing was run: this was --dry-run"
else
  fine "Done: $image:$revision, also tagged latest"
fi
