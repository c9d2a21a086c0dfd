"""minio-py. It asks for the region of the bucket by itself."""
import ssl
from datetime import timedelta

import urllib3
from driver import serve
from minio import Minio
from minio.commonconfig import CopySource
from minio.deleteobjects import DeleteObject

MiB = 1024 * 1024


class Driver:
    def __init__(self, endpoint, caFile, region, bucket, accessKeyId, secretAccessKey):
        self.bucket = bucket
        scheme, host = endpoint.split('://')
        pool = urllib3.PoolManager(cert_reqs=ssl.CERT_REQUIRED, ca_certs=caFile) if caFile else None
        self.client = Minio(
            host, access_key=accessKeyId, secret_key=secretAccessKey, secure=scheme == 'https', http_client=pool
        )

    def put(self, key, file, attributes):
        self.client.fput_object(
            self.bucket, key, file, content_type=attributes['contentType'], metadata=attributes['metadata']
        )

    def putMultipart(self, key, file, attributes):
        self.client.fput_object(
            self.bucket,
            key,
            file,
            content_type=attributes['contentType'],
            metadata=attributes['metadata'],
            part_size=5 * MiB,
        )

    def get(self, key, file):
        self.client.fget_object(self.bucket, key, file)
        return {}

    def head(self, key):
        one = self.client.stat_object(self.bucket, key)
        prefix = 'x-amz-meta-'
        named = {name.lower(): value for name, value in one.metadata.items()}
        metadata = {name[len(prefix):]: value for name, value in named.items() if name.startswith(prefix)}
        return {'sizeBytes': one.size, 'etag': one.etag, 'contentType': one.content_type, 'metadata': metadata}

    def list(self, prefix):
        return [one.object_name for one in self.client.list_objects(self.bucket, prefix=prefix, recursive=True)]

    def copy(self, source, target):
        self.client.copy_object(self.bucket, target, CopySource(self.bucket, source))

    def delete(self, keys):
        self.client.remove_object(self.bucket, keys[0])
        errors = list(self.client.remove_objects(self.bucket, [DeleteObject(key) for key in keys[1:]]))
        assert errors == [], errors

    def presignGet(self, key):
        return self.client.presigned_get_object(self.bucket, key, expires=timedelta(seconds=60))

    def presignPut(self, key):
        return self.client.presigned_put_object(self.bucket, key, expires=timedelta(seconds=60))


serve(Driver)
