"""boto3 with its defaults, but for presigned URLs: its default there is still SigV2."""
import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from driver import serve

MiB = 1024 * 1024


class Driver:
    def __init__(self, endpoint, caFile, region, bucket, accessKeyId, secretAccessKey):
        self.bucket = bucket
        common = dict(
            endpoint_url=endpoint,
            region_name=region,
            aws_access_key_id=accessKeyId,
            aws_secret_access_key=secretAccessKey,
            verify=caFile,
        )
        self.s3 = boto3.client('s3', **common)
        self.presigner = boto3.client('s3', config=Config(signature_version='s3v4'), **common)

    def put(self, key, file, attributes):
        with open(file, 'rb') as body:
            self.s3.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=body,
                ContentType=attributes['contentType'],
                Metadata=attributes['metadata'],
            )

    def putMultipart(self, key, file, attributes):
        self.s3.upload_file(
            file,
            self.bucket,
            key,
            ExtraArgs={'ContentType': attributes['contentType'], 'Metadata': attributes['metadata']},
            Config=TransferConfig(multipart_threshold=5 * MiB, multipart_chunksize=5 * MiB),
        )

    def get(self, key, file):
        self.s3.download_file(self.bucket, key, file)
        return self.told(self.s3.get_object(Bucket=self.bucket, Key=key))

    def head(self, key):
        return self.told(self.s3.head_object(Bucket=self.bucket, Key=key))

    def told(self, answer):
        return {
            'sizeBytes': answer['ContentLength'],
            'etag': answer['ETag'],
            'contentType': answer['ContentType'],
            'metadata': answer['Metadata'],
        }

    def list(self, prefix):
        pages = self.s3.get_paginator('list_objects_v2').paginate(Bucket=self.bucket, Prefix=prefix)
        keys = [one['Key'] for page in pages for one in page.get('Contents', [])]
        older = self.s3.get_paginator('list_objects').paginate(Bucket=self.bucket, Prefix=prefix)
        assert keys == [one['Key'] for page in older for one in page.get('Contents', [])], 'ListObjects differs'
        return keys

    def copy(self, source, target):
        self.s3.copy_object(Bucket=self.bucket, Key=target, CopySource={'Bucket': self.bucket, 'Key': source})

    def delete(self, keys):
        self.s3.delete_object(Bucket=self.bucket, Key=keys[0])
        answer = self.s3.delete_objects(Bucket=self.bucket, Delete={'Objects': [{'Key': key} for key in keys[1:]]})
        assert sorted(one['Key'] for one in answer['Deleted']) == sorted(keys[1:]), answer

    def presignGet(self, key):
        return self.presigner.generate_presigned_url('get_object', {'Bucket': self.bucket, 'Key': key}, ExpiresIn=60)

    def presignPut(self, key):
        return self.presigner.generate_presigned_url('put_object', {'Bucket': self.bucket, 'Key': key}, ExpiresIn=60)


serve(Driver)
