/**
 * The part of a script that uploads a file in parts: create, parts, complete. A part that fails is sent again alone; whatever ends
 * the script early aborts the upload, so that nothing is left behind that costs money unseen.
 */
import { shell } from '../quote-shell.ts';

export const MULTIPART = shell`
# PART_MIB: how large a part is. S3 takes parts of 5 MiB to 5 GiB, 10000 of them.
part_mib=$\{PART_MIB:-8}
case $part_mib in '' | *[!0-9]* | ?????*) fail 2 'PART_MIB is a number from 5 to 5120' ;; esac
if [ "$part_mib" -lt 5 ] || [ "$part_mib" -gt 5120 ]; then fail 2 'PART_MIB is a number from 5 to 5120'; fi
check_file
size=$(wc -c <"$file") || fail 2 "cannot read the file $file"
size=$((size))
mib=1048576
least_mib=$(((size + 10000 * mib - 1) / (10000 * mib)))
[ "$part_mib" -ge "$least_mib" ] || part_mib=$least_mib
[ "$part_mib" -le 5120 ] || fail 2 'the file is larger than an object can be'
part_bytes=$((part_mib * mib))
parts=$(((size + part_bytes - 1) / part_bytes))
# An empty file is one empty part.
[ "$parts" -gt 0 ] || parts=1

empty_hash=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
upload_id=''
at_end() {
  [ -n "$upload_id" ] || return 0
  if insist DELETE "uploadId=$encoded_id" "$empty_hash" step_headers; then
    printf '%s\n' 'the upload was aborted; nothing of it is left' >&2
  elif [ "$status" = 404 ]; then
    printf '%s\n' 'the upload is gone: it was aborted or completed by another, or its completion got through unanswered' >&2
  else
    printf '%s\n' "the upload could not be aborted ($status): abort it, uploadId $upload_id" >&2
  fi
}

send POST uploads= "$empty_hash" create_headers --data-binary '' || refused CreateMultipartUpload
answer=$(cat "$scratch/answer")
case $answer in *'<UploadId>'*'</UploadId>'*) ;; *) refused 'CreateMultipartUpload, without an UploadId' ;; esac
id=$\{answer#*'<UploadId>'}
id=$\{id%%'</UploadId>'*}
case $id in '' | *[!!-~]* | *'&'*) fail 1 "an UploadId that this script cannot read: $id" ;; esac
encode "$id"
encoded_id=$encoded
upload_id=$id

# Sets etag from the answer.
find_etag() {
  etag=''
  while IFS= read -r line; do
    case $line in
      [Ee][Tt][Aa][Gg]:*) etag=$(printf '%s' "$\{line#*:}" | tr -d ' \t\r') ;;
    esac
  done <"$scratch/headers"
  case $etag in '' | *[\<\&]*) fail 1 "part $number was answered without an ETag" ;; esac
}

{
  printf '%s' '<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
} >"$scratch/complete"
number=1
while [ "$number" -le "$parts" ]; do
  expected=$part_bytes
  [ "$number" -lt "$parts" ] || expected=$((size - (parts - 1) * part_bytes))
  dd if="$file" of="$scratch/part" bs=$mib skip=$(((number - 1) * part_mib)) count="$part_mib" 2>/dev/null ||
    fail 1 "part $number of the file cannot be read"
  [ "$(($(wc -c <"$scratch/part")))" -eq "$expected" ] || fail 1 'the file changed while it was uploaded'
  insist PUT "partNumber=$number&uploadId=$encoded_id" "$(sha256 <"$scratch/part")" part_headers --upload-file "$scratch/part" ||
    refused "UploadPart $number of $parts"
  find_etag
  printf '<Part><PartNumber>%s</PartNumber><ETag>%s</ETag></Part>' "$number" "$etag" >>"$scratch/complete"
  printf '%s\n' "part $number of $parts" >&2
  number=$((number + 1))
done
rm -f "$scratch/part"
[ "$(($(wc -c <"$file")))" -eq "$size" ] || fail 1 'the file changed while it was uploaded'

printf '%s' '</CompleteMultipartUpload>' >>"$scratch/complete"
insist POST "uploadId=$encoded_id" "$(sha256 <"$scratch/complete")" complete_headers --data-binary "@$scratch/complete" ||
  refused CompleteMultipartUpload
# S3 may begin with 200 and fail later.
case $(cat "$scratch/answer") in
  *'<CompleteMultipartUploadResult'*) upload_id='' ;;
  *) refused 'CompleteMultipartUpload, with an error' ;;
esac
cat "$scratch/answer"
echo
`;
