/** The part of a script that lists the aliases of KMS, all pages of them: the answer to each page on a line of stdout. */
import { shell } from '../quote-shell.ts';

export const LIST_ALIASES = shell`
marker='' pages=0
while :; do
  body='{}'
  [ -z "$marker" ] || body="{\"Marker\":\"$marker\"}"
  printf '%s' "$body" >"$scratch/body"
  insist POST "$canonical_query" "$(sha256 <"$scratch/body")" request_headers --data-binary "@$scratch/body" || refused ListAliases
  answer=$(tr -d ' \t\r\n' <"$scratch/answer")
  printf '%s\n' "$answer"
  pages=$((pages + 1))
  case $answer in *'"Truncated":true'*'"NextMarker":"'* | *'"NextMarker":"'*'"Truncated":true'*) ;; *) break ;; esac
  # Not decoded: it goes back as the JSON that it came as.
  next=$\{answer##*'"NextMarker":"'}
  next=$\{next%%'"'*}
  case $next in '' | *\\) fail 1 'ListAliases: a NextMarker that this script cannot read' ;; esac
  [ "$next" != "$marker" ] || fail 1 'ListAliases: the same page again'
  [ "$pages" -lt 1000 ] || fail 1 'ListAliases: more than 1000 pages'
  marker=$next
done
`;
