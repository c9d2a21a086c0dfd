"""Generates sigv4-botocore.json: signatures of botocore, header form and presigned, over many kinds of keys, queries and headers.

The clock is fixed, so the output depends on nothing but this file and botocore's signer. To check the committed file:
    python3 test/vectors/generate-sigv4.py --check
To write it anew:
    python3 test/vectors/generate-sigv4.py
"""

import datetime
import hashlib
import json
import pathlib
import sys
from urllib.parse import quote, urlsplit

import botocore
import botocore.auth as auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

OUTPUT = pathlib.Path(__file__).with_name("sigv4-botocore.json")
AT = datetime.datetime(2026, 11, 22, 9, 30, 5, tzinfo=datetime.timezone.utc)
HOST = "storage.example.com"
PLAIN = Credentials("AKIDWAYBILLPLAIN", "plain/secret+for=tests/0123456789abcdef")
SESSION = Credentials("ASIDWAYBILLTEMP", "temporary secret with spaces & signs", "tok/en+with==signs/AAAA")
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()

KEYS = [
    "plain.txt", "a/b/c", "a//b", "a/", "/leading", "//two", ".", "..", "a/../b", "a/./b", "./a", "a b", " a ", "a+b", "a%b",
    "a%20b", "a%2Fb", "a&b=c", "a?b", "a#b", "a;b", "a:b", "a@b", "a,b", "a!b", "a'b", "a(b)*c", "a\"b", "a<b>c", "a\\b",
    "a^b`c", "a{b}|c", "a[b]", "a$b", "a~b-c_d.e", "a\tb", "a\nb", "a\x01b", "\u00e9t\u00e9", "e\u0301", "\u65e5\u672c\u8a9e/\u30ad\u30fc",
    "\U0001f4e6/\U0001d54f", "\ufeffbom", "\uffff", "x" * 300, "AbC", "%", "%%41", "...",
]

QUERIES = [
    "uploads", "uploads=", "uploadId=abc~-_.&partNumber=7", "partNumber=10&uploadId=x%2By%3D%3D", "list-type=2&prefix=a%20b&delimiter=%2F",
    "list-type=2&prefix=%C3%A9%2F&start-after=a%2Bb&encoding-type=url", "lifecycle", "delete=", "prefix=", "a=2&a=1&a=", "a-b=1&a=2&a.b=3",
    "b=1&a=1&B=1&A=1", "marker=%F0%9F%93%A6&max-keys=1000", "versionId=3%2FL4kqtJlcpXroDTDmpUMLUo", "k=%26%3D%3F%23%25", "x=%27%28%29%2A%21",
    "response-content-disposition=attachment%3B%20filename%3D%22a%20b.txt%22", "x-id=PutObject", "tagging&versionId=null", "%C3%BC=%C3%BC",
]

HEADER_SETS = [
    {"Content-Type": "text/plain; charset=utf-8"},
    {"x-amz-meta-a": "  padded   and   spaced  "},
    {"X-Amz-Meta-Mixed-CASE": "Value Stays As It Is", "x-amz-meta-b": "1"},
    {"x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:eu-west-1:111122223333:key/1"},
    {"If-None-Match": "*", "Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="},
    {"Range": "bytes=0-9", "If-Match": '"d41d8cd98f00b204e9800998ecf8427e"'},
    {"x-amz-copy-source": "/bucket/key%20with%20space", "x-amz-copy-source-range": "bytes=0-1"},
    {"x-amz-meta-quoted": '"a   b"', "x-amz-meta-empty": ""},
    {"x-amz-tagging": "a=1&b=%20", "Cache-Control": "no-cache, max-age=0"},
    {"x-amz-checksum-crc32": "qGoomQ==", "x-amz-sdk-checksum-algorithm": "CRC32"},
]

STANDARD_PATHS = ["/", "/a/b", "/a%20b", "/a/../b", "/a/./b/", "//a//b//", "/a%2Fb", "/%E1%88%B4", "/a+b:c@d", "/2015-03-31/functions/f%3A1"]


def sign(form, service, method, path, query, headers, credentials, region, body, payload=None):
    """One case: the request before it is signed, and everything that botocore made of it."""
    s3 = service == "s3"
    url = f"https://{HOST}{path}" + (f"?{query}" if query else "")
    request = AWSRequest(method=method, url=url, headers=dict(headers), data=body)
    if payload is not None:
        request.context["payload_signing_enabled"] = payload != "UNSIGNED-PAYLOAD"
    if form == "header":
        signer = (auth.S3SigV4Auth if s3 else auth.SigV4Auth)(credentials, service, region)
        request.context["payload_signing_enabled"] = payload != "UNSIGNED-PAYLOAD"
    else:
        signer = (auth.S3SigV4QueryAuth if s3 else auth.SigV4QueryAuth)(credentials, service, region, expires=3600)
    seen = {}

    def record(name):
        original = getattr(signer, name)

        def wrapper(*arguments):
            seen[name] = original(*arguments)
            return seen[name]

        setattr(signer, name, wrapper)

    for name in ("canonical_request", "string_to_sign", "signature"):
        record(name)
    signer.add_auth(request)
    split = urlsplit(url)
    case = {
        "form": form,
        "service": service,
        "region": region,
        "pathRule": "s3" if s3 else "standard",
        "credentials": {"accessKeyId": credentials.access_key, "secretAccessKey": credentials.secret_key},
        "method": method,
        "path": path,
        "query": query,
        "headers": [["host", split.netloc], *([name, value] for name, value in headers.items())],
        "payloadHash": seen["canonical_request"].rsplit("\n", 1)[1],
        "canonicalRequest": seen["canonical_request"],
        "stringToSign": seen["string_to_sign"],
        "signature": seen["signature"],
    }
    if credentials.token:
        case["credentials"]["sessionToken"] = credentials.token
    if form == "header":
        case["authorization"] = request.headers["Authorization"]
    else:
        case["expiresSeconds"] = 3600
        case["signedUrl"] = request.url
    return case


def cases():
    for index, key in enumerate(KEYS):
        path = "/bucket/" + quote(key, safe="/~")
        credentials = SESSION if index % 3 == 0 else PLAIN
        yield sign("header", "s3", "PUT", path, "", {}, credentials, "eu-west-1", key.encode())
        yield sign("presigned", "s3", "GET", path, "", {}, credentials, "eu-west-1", b"")
    for query in QUERIES:
        yield sign("header", "s3", "GET", "/bucket", query, {}, PLAIN, "us-east-1", b"")
        # botocore drops repeats of a name when it presigns.
        if not query.startswith("a=2&a=1"):
            yield sign("presigned", "s3", "GET", "/bucket", query, {}, SESSION, "us-east-1", b"")
    for headers in HEADER_SETS:
        yield sign("header", "s3", "PUT", "/bucket/key", "", headers, SESSION, "auto", b"body", "UNSIGNED-PAYLOAD")
        yield sign("presigned", "s3", "PUT", "/bucket/key", "", headers, PLAIN, "auto", b"")
    for path in STANDARD_PATHS:
        yield sign("header", "execute-api", "POST", path, "b=2&a=1", {"Content-Type": "application/json"}, SESSION, "ap-south-1", b"{}")
        yield sign("presigned", "execute-api", "GET", path, "", {}, PLAIN, "ap-south-1", b"")
    kms = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "TrentService.ListAliases"}
    yield sign("header", "kms", "POST", "/", "", kms, PLAIN, "us-gov-west-1", b"{}")
    yield sign("header", "sts", "POST", "/", "", {}, SESSION, "us-east-1", b"Action=GetCallerIdentity&Version=2011-06-15")


def main():
    auth.get_current_datetime = lambda *_arguments, **_named: AT.replace(tzinfo=None)
    listed = list(cases())
    text = "{\n" + f'"source": "botocore {botocore.__version__}",\n"at": "{AT.strftime("%Y-%m-%dT%H:%M:%SZ")}",\n"cases": [\n'
    text += ",\n".join(json.dumps(case, ensure_ascii=True) for case in listed) + "\n]\n}\n"
    if "--check" in sys.argv:
        committed = json.loads(OUTPUT.read_text())
        if committed["cases"] != listed:
            sys.exit("sigv4-botocore.json is not what this generator makes")
        print(f"{len(listed)} signatures, as committed")
        return
    OUTPUT.write_text(text)
    print(f"{len(listed)} signatures written")


main()
