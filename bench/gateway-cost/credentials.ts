/** What the caller signs with, and the gateway's configuration knows. */
export const CREDENTIALS = { accessKeyId: 'AKIDBENCH', secretAccessKey: 'bench-secret-of-the-caller' };
