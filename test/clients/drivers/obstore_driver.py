"""obstore: the object_store crate of Rust."""
from datetime import timedelta

import obstore
from driver import serve
from obstore.store import S3Store

MiB = 1024 * 1024


class Driver:
    def __init__(self, endpoint, caFile, region, bucket, accessKeyId, secretAccessKey):
        options = {'allow_http': True}
        if caFile:
            with open(caFile) as file:
                options['root_certificate'] = file.read()
        self.store = S3Store(
            bucket,
            endpoint=endpoint,
            region=region,
            access_key_id=accessKeyId,
            secret_access_key=secretAccessKey,
            virtual_hosted_style_request=False,
            client_options=options,
        )

    def send(self, key, file, attributes, **how):
        named = {'Content-Type': attributes['contentType'], **attributes['metadata']}
        with open(file, 'rb') as body:
            obstore.put(self.store, key, body, attributes=named, **how)

    def put(self, key, file, attributes):
        self.send(key, file, attributes, use_multipart=False)

    def putMultipart(self, key, file, attributes):
        self.send(key, file, attributes, use_multipart=True, chunk_size=5 * MiB)

    def get(self, key, file):
        result = obstore.get(self.store, key)
        attributes = dict(result.attributes)
        with open(file, 'wb') as target:
            for chunk in result.stream():
                target.write(chunk)
        return {
            'sizeBytes': result.meta['size'],
            'etag': result.meta['e_tag'],
            'contentType': attributes.pop('Content-Type'),
            'metadata': attributes,
        }

    def head(self, key):
        meta = obstore.head(self.store, key)
        return {'sizeBytes': meta['size'], 'etag': meta['e_tag']}

    def list(self, prefix):
        return [one['path'] for batch in obstore.list(self.store, prefix) for one in batch]

    def copy(self, source, target):
        obstore.copy(self.store, source, target)

    def delete(self, keys):
        obstore.delete(self.store, keys[0])
        obstore.delete(self.store, keys[1:])

    def presignGet(self, key):
        return obstore.sign(self.store, 'GET', key, timedelta(seconds=60))

    def presignPut(self, key):
        return obstore.sign(self.store, 'PUT', key, timedelta(seconds=60))


serve(Driver)
