#!/usr/bin/env bash
# Walks two new users and a clerk through the whole journey, over JSON, against a service that runs:
#
#   make run                      in one terminal
#   examples/first-account.sh     in another
#
# Aurélie is linked to her record at once: AHV number, family name, birth date and address agree. Noémie has a new
# address, so a clerk decides. Mails are read where they land; passwords are neither shown nor put on a command line.
# Run it as often as you like: each time it takes the next two persons of the sample records who got no mail yet.
#
# MATRICULE_HOME   the service's folder, in whose outbox/ the mails are   ./var of the project
# BASE             where it answers                                       http://127.0.0.1:8000, or the port it was started with
set -euo pipefail
umask 077

root=$(cd "$(dirname "$0")/.." && pwd)
export MATRICULE_HOME=${MATRICULE_HOME:-$root/var}
mails=$MATRICULE_HOME/outbox
python=$root/.venv/bin/python
matricule=$root/.venv/bin/matricule
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold='' dim='' plain=''; fi
step() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
say() { printf '   %s\n' "$*"; }
give_up() { printf '\n%s\n' "$*" >&2; exit 1; }

# --- who walks, and what they find in their mailboxes

# Two persons from the sample records: one whose record has the right address, one whose record has an old one.
choose_people() {
  "$python" - "$root/infrastructure/samples/records.csv" "$mails" <<'PY'
import csv, json, sys
from email import message_from_bytes, policy
from pathlib import Path

records, mails = sys.argv[1], Path(sys.argv[2])
wrote = {message_from_bytes(file.read_bytes(), policy=policy.default)["To"] for file in mails.glob("*.eml")}
needed = "ahv_number given_name family_name birth_date sex street postal_code city canton email".split()
complete = [one for one in csv.DictReader(open(records, encoding="utf-8"), delimiter=";") if all(map(one.get, needed))]
for one in complete:
    one["account"] = one["email"].replace("@old.example", "@example.org")
current = [one for one in complete if one["account"] == one["email"]]
moved = [one for one in complete if one["account"] != one["email"]]
for run, (first, second) in enumerate(zip(current, moved), start=1):
    clerk = f"clerk{run if run > 1 else ''}@example.org"
    if not wrote & {first["account"], second["account"], clerk}:
        print(json.dumps({"first": first, "second": second, "clerk": clerk}))
        sys.exit()
sys.exit("All sample persons have accounts by now. To begin anew, run the service with another MATRICULE_HOME.")
PY
}

# The newest mail of a kind to an address, as JSON: its file, its subject, and the word that stands alone in it.
newest_mail() {
  "$python" - "$mails" "$1" "$2" <<'PY'
import json, re, sys
from email import message_from_bytes, policy
from pathlib import Path

folder, kind, address = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
for file in sorted(folder.glob("*.eml"), reverse=True):
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    if mail["X-Matricule-Kind"] == kind and mail["To"] == address:
        alone = re.search(r"\n\n(\S+)\n\n", mail.get_body(("plain",)).get_content())
        print(json.dumps({"file": file.name, "subject": mail["Subject"], "alone": alone and alone[1]}))
        break
PY
}

wait_for_mail() { # KIND ADDRESS → $mail
  for _ in {1..150}; do
    mail=$(newest_mail "$1" "$2")
    if [ -n "$mail" ]; then
      say "✉ to $2: «$(jq -r .subject <<<"$mail")»"
      say "  $dim$mails/$(jq -r .file <<<"$mail")$plain"
      return
    fi
    sleep 0.2
  done
  give_up "No mail «$1» to $2 came to $mails within 30 seconds.
Does the service have another MATRICULE_HOME, or an SMTP_URL? To see how it is: $matricule doctor"
}

wait_for_password() { # ADDRESS → $password
  wait_for_mail initial-password "$1"
  password=$(jq -r .alone <<<"$mail")
  say "  The initial password stands alone between two empty lines of it."
}

# --- requests

session=''         # whose cookies or token go along
position=/dev/null # the header Log-Position of the last command: reads that send it wait until its effect shows

# Send a request and show it. The answer is in $answer; FILTER (jq) chooses what is shown of it.
request() { # METHOD PATH [BODY [FILTER]]
  local method=$1 path=$2 body=${3:-} filter=${4:-.} status
  local options=(--silent --show-error --request "$method" --header 'Accept-Language: en'
    --dump-header "$work/head" --output "$work/answer" --write-out '%{http_code}')
  [ -z "$body" ] || options+=(--header 'Content-Type: application/json' --data-binary @-)
  [ -z "$session" ] || options+=(--header "@$work/$session.proof" --cookie "$work/$session.jar" --cookie-jar "$work/$session.jar")
  [ "$method" != GET ] || options+=(--header "@$position")
  say "→ $method $path${body:+ $(jq -c 'with_entries(if .key | test("password|^code$") then .value = "•••" else . end)' <<<"$body")}"
  status=$(curl "${options[@]}" "$base$path" <<<"$body") || give_up "The service at $base does not answer any more."
  answer=$(<"$work/answer")
  if grep -i '^Log-Position:' "$work/head" >"$work/reached"; then mv "$work/reached" "$work/position" && position=$work/position; fi
  [ "$status" -lt 400 ] || filter=.
  say "← $status${answer:+ $(jq -c "$filter" <<<"$answer")}"
  [ "$status" -lt 400 ] || give_up "That was refused. $(jq -r '.detail // .title' <<<"$answer")"
}

# Fetch a document as whoever is signed in, and show with what it comes.
fetch() { # ID FILE
  local status
  say "→ GET /api/v1/me/documents/$1"
  status=$(curl --silent --show-error --header "@$work/$session.proof" --cookie "$work/$session.jar" \
    --dump-header "$work/head" --output "$2" --write-out '%{http_code}' "$base/api/v1/me/documents/$1")
  say "← $status"
  [ "$status" = 200 ] || give_up "That was refused. $(jq -r '.detail // .title' "$2")"
  tr -d '\r' <"$work/head" | grep -iE '^(Content-(Type|Length|Disposition)|ETag|Repr-Digest):' | sed 's/^/     /'
}

# Ask until it is so, then show the last answer. The question is a function that calls `request`.
ask_until() { # QUESTION
  for _ in {1..100}; do
    if "$1" >"$work/said"; then cat "$work/said" && return; fi
    sleep 0.2
  done
  cat "$work/said"
  give_up "That did not change within 20 seconds. To see how the service is: $matricule doctor"
}

sign_in() { # NAME ADDRESS: by cookie; unsafe methods want the session's CSRF token besides
  session=$1 && : >"$work/$1.proof"
  request POST /api/v1/session "$(credentials "$2")" '{roles, initial_password, second_factor, csrf_token: "…"}'
  jq -r '"X-CSRF-Token: " + .csrf_token' <<<"$answer" >"$work/$1.proof"
}

take_token() { # NAME ADDRESS: the way of clients without cookies
  session=$1 && : >"$work/$1.proof"
  request POST /api/v1/tokens "$(credentials "$2")" '.token = "…"'
  jq -r '"Authorization: Bearer " + .token' <<<"$answer" >"$work/$1.proof"
}

credentials() { PASSWORD=$password jq -nc --arg email "$1" '{email: $email, password: env.PASSWORD}'; }

# Give whoever is signed in an authenticator app: its secret stays in this script, which makes the code as a phone does.
add_second_factor() {
  request POST /api/v1/me/second-factors/totp "$(PASSWORD=$password jq -nc '{password: env.PASSWORD}')" '{id, secret: "…"}'
  local factor_id code
  factor_id=$(jq -r .id <<<"$answer")
  code=$(jq -r .secret <<<"$answer" | "$python" -c 'import pyotp, sys; print(pyotp.TOTP(sys.stdin.read().strip()).now())')
  request POST "/api/v1/me/second-factors/$factor_id/confirm" "{\"code\": \"$code\", \"label\": \"Phone\"}" \
    '{recovery_codes: (.recovery_codes | length)}'
}

ask_for_account() { # PERSON
  session=''
  request POST /api/v1/accounts \
    "$(jq -c ".$1 | {email: .account, given_name, family_name, locale: \"fr\", accept_privacy_policy: true}" <<<"$people")"
}

send_profile() { # PERSON
  request PUT /api/v1/me/profile "$(jq -c ".$1"' | {ahv_number, given_name, family_name, birth_name, birth_date, sex,
    nationality: "CH", street, postal_code, city, country: "CH", function: "teacher-cycle-1",
    canton: (if [.canton] | inside(["BE", "JU", "NE"]) then .canton else "other" end)}' <<<"$people")" '{ahv_number, canton}'
}

standing='{state, profile_state, link_state, link_due}'
am_i_linked() {
  request GET /api/v1/me '' "$standing" && jq -e '.link_state == "linked"' <<<"$answer" >"$work/so"
}
is_the_case_there() {
  local mine='.items[] | select(.account.email == $email)'
  request GET '/api/v1/cases?state=open&limit=200' '' \
    "\"$second\" as \$email | $mine | {id, cause, due, late, account: .account.email}" &&
    case_id=$(jq -re --arg email "$second" "$mine | .id" <<<"$answer")
}

# --- is everything there?

for tool in curl jq; do command -v $tool >"$work/so" || give_up "This script needs $tool: apt-get install $tool"; done
started_with=$MATRICULE_HOME/environment.json
port=$([ ! -r "$started_with" ] || jq -r '.MATRICULE_PORT // empty' "$started_with")
base=${BASE:-http://127.0.0.1:${port:-8000}}
curl --silent --fail --output "$work/so" "$base/health/ready" || give_up "No service answers at $base.
In another terminal: make run (does it run elsewhere? BASE=http://127.0.0.1:8100 MATRICULE_HOME=… $0)"
[ -x "$matricule" ] || give_up "The service is not installed in $root/.venv. In another terminal: make run"
[ ! -e "$mails" ] || [ -r "$mails" ] || give_up "The mails in $mails are another user's: run this as the one who runs the service."
people=$(choose_people)
read -r first second clerk <<<"$(jq -r '[.first.account, .second.account, .clerk] | join(" ")' <<<"$people")"
first_name=$(jq -r .first.given_name <<<"$people")
second_name=$(jq -r .second.given_name <<<"$people")
old_address=$(jq -r .second.email <<<"$people")

# --- a new user, whom the service links by itself

step "1. What forms are made of: code lists, in three languages"
request GET /api/v1/codes '' 'map_values(length)'

step "2. $first_name asks for an account. The answer is the same for every address"
ask_for_account first

step "3. A worker decides, makes an initial password and mails it"
wait_for_password "$first"

step "4. $first_name signs in, by cookie; with the first sign-in the account is active"
sign_in first "$first"

step "5. What is missing? The personal data"
request GET /api/v1/me '' "$standing"

step "6. $first_name sends them. One free record agrees in AHV number, family name and birth date, and holds this address"
send_profile first

step "7. So the account is linked at once, and $first_name is told"
ask_until am_i_linked
wait_for_mail link-confirmed "$first"

step "8. $first_name chooses another password; every other session ends"
chosen=$("$python" -c 'import secrets; print("-".join(secrets.token_hex(3) for _ in range(4)))')
request PUT /api/v1/me/password "$(OLD=$password NEW=$chosen jq -nc '{current_password: env.OLD, new_password: env.NEW}')"
wait_for_mail password-changed "$first"

# --- a second user, for whom a clerk decides

step "9. $second_name does the same with a new address, by token; the record knows only $old_address"
ask_for_account second
wait_for_password "$second"
take_token second "$second"
send_profile second
request GET /api/v1/me '' "$standing"
say "What somebody declares proves nothing, so the secretariat decides, until $(jq -r .link_due <<<"$answer") at the latest."

step "10. The operator makes a clerk, who signs in like anybody, and adds the second factor that staff must have"
say "\$ matricule grant secretariat $clerk"
"$matricule" grant secretariat "$clerk" | sed 's/^/   /'
wait_for_password "$clerk"
sign_in clerk "$clerk"
add_second_factor

step "11. The clerk finds the case among the open ones, and the records that may be $second_name's"
ask_until is_the_case_there
request GET "/api/v1/cases/$case_id" '' \
  '{cause, candidates: [.candidates[] | {record_number} + (.fields | map({(.name): .verdict}) | add)]}'

step "12. Only the address differs. The clerk has called back, and links"
request POST "/api/v1/cases/$case_id/link" "$(jq -c '{record_number: .second.record_number, reason: "address-changed",
  note: "Called back at the number in the record."}' <<<"$people")" '{state, decided_by, link}'
wait_for_mail link-confirmed "$second"
wait_for_mail link-notice "$old_address"

step "13. What the secretariat sees: accounts, one of them, and what happened to it"
request GET '/api/v1/accounts?link=linked&limit=2' '' '[.items[] | {email, state, link_state}]'
account_id=$(jq -r --arg email "$second" '.items[] | select(.email == $email) | .id' <<<"$answer")
request GET "/api/v1/accounts/$account_id" '' '{email, link, ahv_number: .profile.ahv_number}'
request GET "/api/v1/accounts/$account_id/timeline" '' '[.items[].sentence]'

step "14. And $second_name sees the link"
session=second
request GET /api/v1/me '' "$standing"

# --- what the record holds

step "15. $first_name's portfolio: courses, a certificate, a document. Nobody else is shown it"
session=first
request GET '/api/v1/me/portfolio?limit=200' '' \
  '[.items[] | {kind, number, title, state, new, file: .document.name}]'

step "16. $first_name fetches the document. Its SHA-256 comes along, as it stands in the list, and is that of the bytes"
request GET '/api/v1/me/documents?kind=document' '' '[.items[] | {title, file: .document.name, sha256: .document.sha256, new}]'
document=$(jq -c '.items[0]' <<<"$answer")
fetch "$(jq -r .id <<<"$document")" "$work/document.pdf"
sum=$(sha256sum "$work/document.pdf" | cut -d' ' -f1)
[ "$sum" = "$(jq -r .document.sha256 <<<"$document")" ] || give_up "These are not the bytes of the document: $sum."
say "\$ sha256sum: $sum, as announced"
request GET '/api/v1/me/documents?kind=document' '' '[.items[] | {title, new}]'

# --- all that happened

step "17. The whole history, from the log, opened for whoever holds the master key"
say "\$ matricule history $second --language en"
"$matricule" history "$second" --language en

step "Done. Once more: the next two persons. The API is described at $base/api/docs"
